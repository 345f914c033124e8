// A module's tensors to and from a file of tensors, its own or somebody else's.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/io/tensor_file.hpp>
#include <gloss/nn/load_state_dict.hpp>
#include <gloss/ops/cat.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// As nn::LoadOptions, and how the file's names and layouts become the module's.
struct LoadOptions {
  KeyMap keys = {};                // of the names behind the prefix
  std::string prefix = "";         // of the names in the file; entries without it are not looked at
  bool strict = true;              // nothing may be missing or unexpected
  bool skip_wrong_shapes = false;  // leave tensors of another shape as they are, instead of an error
};

namespace detail {

/// What a file has for one tensor of a module.
struct FileSource {
  KeySource key;
  std::string ours;  // with the prefix
  std::vector<const StoredTensor*> theirs;
  std::vector<StoredTensor> parts;  // theirs in the module's layout, to stand one below the other
  Shape shape;                      // of all of them; [-1] where they do not fit together
};

inline Shape turned(Shape shape, KeyLayout layout) {
  if (layout == KeyLayout::transposed && shape.rank() == 2) std::swap(shape[0], shape[1]);
  return shape;
}
/// Whether tensors of these shapes can stand one below the other.
inline bool joins(const Shape& a, const Shape& b) {
  return a.rank() == b.rank() && a.rank() > 0 && std::equal(a.begin() + 1, a.end(), b.begin() + 1);
}

/// The part of a tensor that a rule takes, in the module's layout. Nothing is copied.
GLOSS_COLD inline StoredTensor lay_out(StoredTensor t, const KeySource& key) {
  if (t.shape.rank() == 0 || (key.layout == KeyLayout::same && key.parts == 1)) return t;
  if (t.strides.rank() == 0) t.strides = contiguous_strides(t.shape);
  t.shape = turned(t.shape, key.layout);
  t.strides = turned(t.strides, key.layout);
  const Index rows = t.shape[0] / static_cast<Index>(key.parts), cut = rows * t.strides[0];
  t.shape[0] = rows * static_cast<Index>(key.taken);
  if (t.blocks && key.parts > 1 && cut % t.blocks->elements != 0)
    fail<LoadError>("load_state_dict: ", t.name, ": ", t.dtype_name(), " cannot be cut within a block of ",
                    t.blocks->elements);
  t.bytes = t.bytes.substr((std::min)(key.part * stored_bytes(t, cut), std::uint64_t{t.bytes.size()}));
  if (t.strides == contiguous_strides(t.shape)) t.strides = {};
  return t;
}

/// What of a file makes tensors of a module. What lacks a part is left out.
GLOSS_COLD inline std::vector<FileSource> find_sources(const TensorFile& file, const LoadOptions& options) {
  std::vector<std::string> names;
  for (const StoredTensor& t : file.tensors())
    if (t.name.starts_with(options.prefix)) names.push_back(t.name.substr(options.prefix.size()));
  std::vector<FileSource> out;
  for (const KeySource& key : options.keys.sources(names)) {
    FileSource source;
    source.key = key;
    source.ours = options.prefix + key.ours;
    for (const std::string& name : key.theirs)
      if (const StoredTensor* const t = file.find(options.prefix + name)) source.theirs.push_back(t);
    if (source.theirs.size() < key.theirs.size()) continue;
    Shape& shape = source.shape = turned(source.theirs[0]->shape, key.layout);
    const auto parts = static_cast<Index>(key.parts);
    bool fits = parts == 1 || (shape.rank() > 0 && shape[0] % parts == 0);
    for (std::size_t k = 1; k < source.theirs.size(); ++k) {
      const Shape more = turned(source.theirs[k]->shape, key.layout);
      fits = fits && joins(shape, more);
      if (fits) shape[0] += more[0];
    }
    if (fits && parts > 1) shape[0] = shape[0] / parts * static_cast<Index>(key.taken);
    if (!fits) shape = {-1};
    for (const StoredTensor* const t : source.theirs)
      if (fits) source.parts.push_back(lay_out(*t, key));
    out.push_back(std::move(source));
  }
  return out;
}

/// Makes a plan's report speak of the file's tensors, with the module's names beside theirs.
class TheirReport {
 public:
  TheirReport(nn::detail::LoadPlan& plan, const nn::StateDict& own, const TensorFile& file,
              const std::vector<FileSource>& sources, const LoadOptions& options)
      : report_(plan.report), file_(file), options_(options) {
    if (options.keys.rules.empty()) return;
    report_.missing.clear();
    report_.unexpected.clear();
    report_.wrong_shape.clear();
    if (!plan.missing.empty()) missing(own, plan.missing);
    for (const std::size_t j : plan.unexpected)
      for (const StoredTensor* const t : sources[j].theirs)
        if (add_ours(t->name, sources[j].ours)) report_.unexpected.push_back(t->name);
    for (const auto& [i, j] : plan.wrong_shape) wrong_shape(sources[j], own.entry(i).second.shape());
  }
  void wrong_type(const FileSource& source, const StoredTensor& part, std::string_view wanted) {
    if (add_ours(part.name, source.ours))
      report_.wrong_type.push_back({part.name, std::string(part.dtype_name()), std::string(wanted)});
  }

 private:
  /// Notes the module's name beside the file's; false when the file's has been noted before.
  GLOSS_COLD bool add_ours(const std::string& theirs, const std::string& ours) {
    for (auto& [its_theirs, its_ours] : report_.ours)
      if (its_theirs == theirs) return its_ours += ", " + ours, false;
    if (theirs != ours) report_.ours.emplace_back(theirs, ours);
    return true;
  }
  GLOSS_COLD void missing(const nn::StateDict& own, const std::vector<std::size_t>& numbers) {
    const std::string& optional = options_.keys.optional_prefix;
    const bool bare = std::none_of(file_.tensors().begin(), file_.tensors().end(), [&](const StoredTensor& t) {
      return t.name.starts_with(options_.prefix + optional);
    });
    const std::vector<KeySource> targets = options_.keys.targets(own.names());
    for (const std::size_t i : numbers) {
      const std::string& ours = own.entry(i).first;
      bool named = false;
      for (const KeySource& target : targets) {
        if (std::find(target.theirs.begin(), target.theirs.end(), ours) == target.theirs.end()) continue;
        const bool shorter = bare && target.ours.starts_with(optional);
        const std::string theirs = options_.prefix + target.ours.substr(shorter ? optional.size() : 0);
        if (file_.find(theirs)) continue;
        named = true;
        if (add_ours(theirs, options_.prefix + ours)) report_.missing.push_back(theirs);
      }
      if (!named) report_.missing.push_back(options_.prefix + ours);
    }
  }
  GLOSS_COLD void wrong_shape(const FileSource& source, const Shape& wanted) {
    const KeyLayout layout = source.key.layout;
    std::string all;
    for (const StoredTensor* const t : source.theirs) {
      all += (all.empty() ? "" : " + ") + t->name;
      Shape whole = wanted;  // what theirs should have been
      if (source.theirs.size() > 1 && !joins(turned(t->shape, layout), wanted)) {
        if (wanted.rank() > 0 && t->shape.rank() == wanted.rank()) whole[0] = turned(t->shape, layout)[0];
      } else if (source.theirs.size() > 1) {
        continue;
      } else if (wanted.rank() > 0) {
        whole[0] = whole[0] * static_cast<Index>(source.key.parts) / static_cast<Index>(source.key.taken);
      }
      if (add_ours(t->name, source.ours)) report_.wrong_shape.push_back({t->name, t->shape, turned(whole, layout)});
      return;
    }
    add_ours(all, source.ours);  // each fits, but not their number of rows
    report_.wrong_shape.push_back({all, turned(source.shape, layout), turned(wanted, layout)});
  }

  nn::LoadReport& report_;
  const TensorFile& file_;
  const LoadOptions& options_;
};

}  // namespace detail

/// A module's state dict as entries of a file, `prefix` before each name; by key rules under the names and in the
/// layout of somebody else's files, the inverse of loading from one.
/// Errors: Error for a tensor that others of the module's lack to make one of theirs, or that cannot be cut equally.
template <Real T>
GLOSS_COLD std::vector<NamedTensor> named_tensors(const nn::Module<T>& module, const std::string& prefix = "",
                                                  const KeyMap& keys = {}) {
  const nn::StateDict own = module.state_dict();
  std::vector<NamedTensor> out;
  for (const KeySource& made : keys.targets(own.names())) {
    const auto part_of = [&](const std::string& name) -> const AnyTensor& {
      if (const AnyTensor* const found = own.find(name)) return *found;
      fail("named_tensors: ", made.ours, " is made of ", made.theirs.size(), " tensors, of which ", name,
           " is not in the module");
    };
    nn::detail::with_state_type<T>(part_of(made.theirs[0]), [&]<class U>(Tensor<U> x) {
      NoGradGuard no_grad;
      if (made.theirs.size() > 1) {
        std::vector<Tensor<U>> parts;
        for (const std::string& name : made.theirs) parts.push_back(part_of(name).template as<U>());
        x = cat(parts);
      }
      const auto parts = static_cast<Index>(made.parts);
      if (parts > 1 && (x.dim() == 0 || x.size(0) % parts != 0))
        fail("named_tensors: ", made.theirs[0], " ", x.shape(), " cannot be cut into ", parts, " parts");
      const Index rows = parts > 1 ? x.size(0) / parts : 0;
      if (parts > 1) x = x.narrow(0, static_cast<Index>(made.part) * rows, static_cast<Index>(made.taken) * rows);
      if (made.layout == KeyLayout::transposed && x.dim() == 2) x = x.transpose(0, 1);
      out.push_back({prefix + made.ours, x});
    });
  }
  return out;
}
GLOSS_INSTANTIATE(std::vector<NamedTensor> named_tensors(const nn::Module<float>&, const std::string&, const KeyMap&))
GLOSS_INSTANTIATE(std::vector<NamedTensor> named_tensors(const nn::Module<double>&, const std::string&, const KeyMap&))

/// Copies a file's tensors into a module, floating-point numbers of any type into the module's. Nothing is changed
/// unless all fits. Returns what the options let pass. By key rules it reads somebody else's file:
///   io::load_state_dict(model, file, {.keys = Gpt<float>::keys()});
/// The report then names the file's tensors, and beside each the module's.
/// Errors: LoadError naming the file and every problem, as nn::load_state_dict.
/// PyTorch: load_state_dict
template <Real T>
GLOSS_COLD nn::LoadReport load_state_dict(nn::Module<T>& module, const TensorFile& file,
                                          const LoadOptions& options = {}) {
  const nn::StateDict own = module.state_dict();
  const std::vector<detail::FileSource> found = detail::find_sources(file, options);
  const nn::LoadOptions fit{options.prefix, options.strict, options.skip_wrong_shapes};
  std::vector<nn::detail::LoadPlan::Source> sources;
  for (const detail::FileSource& source : found) sources.push_back({source.ours, source.shape});
  nn::detail::LoadPlan plan(own, sources, fit);
  detail::TheirReport report(plan, own, file, found, options);
  NoGradGuard no_grad;
  for (const bool copies : {false, true}) {
    for (const auto& [i, j] : plan.pairs) {
      const AnyTensor& tensor = own.entry(i).second;
      nn::detail::with_state_type<T>(tensor, [&, &source = found[j]]<class U>(const Tensor<U>& to) {
        gloss::detail::check_no_overlap("load_state_dict", gloss::detail::body_of("load_state_dict", to));
        Index row = 0;
        for (const StoredTensor& part : source.parts) {
          const Index rows = part.shape.rank() > 0 ? part.shape[0] : 0;
          if (copies)
            read_elements(part, source.parts.size() == 1 ? to : to.narrow(0, row, rows));
          else if (!reads_as<U>(part))
            report.wrong_type(source, part, tensor.dtype());
          row += rows;
        }
      });
    }
    plan.require(fit, file.file());
  }
  return std::move(plan.report);
}
GLOSS_INSTANTIATE(nn::LoadReport load_state_dict(nn::Module<float>&, const TensorFile&, const LoadOptions&))
GLOSS_INSTANTIATE(nn::LoadReport load_state_dict(nn::Module<double>&, const TensorFile&, const LoadOptions&))

}  // namespace gloss::inline GLOSS_ABI::io
