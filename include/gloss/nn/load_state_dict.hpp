// Loading: a state dict's numbers into a module, and a report of what does not fit.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/sort.hpp>
#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct LoadOptions {
  std::string prefix = "";         // of the names in the source; entries without it are not looked at
  bool strict = true;              // nothing may be missing or unexpected
  bool skip_wrong_shapes = false;  // leave tensors of another shape as they are, instead of an error
};

/// What of a source did not fit a module. Names are the source's, with the prefix.
struct LoadReport {
  struct WrongShape {
    std::string name;
    Shape stored, wanted;
  };
  struct WrongType {
    std::string name, stored, wanted;
  };
  std::vector<std::string> missing, unexpected;  // wanted by the module and not stored; stored and not wanted
  std::vector<WrongShape> wrong_shape;
  std::vector<WrongType> wrong_type;                      // numbers that do not read as the module's
  std::vector<std::pair<std::string, std::string>> ours;  // the module's names for those above, where they differ

  /// Whether all fits, and else how much does not.
  bool complete() const { return problems() == 0; }
  std::size_t problems() const { return missing.size() + unexpected.size() + wrong_shape.size() + wrong_type.size(); }
  /// The problems, a line each, with the nearest unexpected name for a missing one and the other way round. At most
  /// `limit` lines, and how many more there are.
  GLOSS_LAZY std::vector<std::string> lines(std::size_t limit = 20) const;
};

template <class>
GLOSS_COLD std::vector<std::string> LoadReport::lines(std::size_t limit) const {
  std::vector<std::string> out;
  const auto line = [&](const auto&... parts) {
    std::string text;
    (append_part(text, parts), ...);
    out.push_back(std::move(text));
  };
  const auto both = [&](const std::string& name) {
    for (const auto& [theirs, its_ours] : ours)
      if (theirs == name) return its_ours + " (theirs: " + name + ")";
    return name;
  };
  const auto nearest = [](const char* words, const std::string& name, const std::vector<std::string>& others) {
    const std::string found = nearest_name(name, others);
    return found.empty() ? found : words + found;
  };
  for (std::size_t i = 0; i < missing.size() && out.size() < limit; ++i)
    line(both(missing[i]), " is missing", nearest("; the nearest unexpected name is ", missing[i], unexpected));
  for (std::size_t i = 0; i < unexpected.size() && out.size() < limit; ++i)
    line(both(unexpected[i]), " is unexpected", nearest("; the nearest missing name is ", unexpected[i], missing));
  for (std::size_t i = 0; i < wrong_shape.size() && out.size() < limit; ++i)
    line(both(wrong_shape[i].name), " has shape ", wrong_shape[i].stored, ", the model's has ", wrong_shape[i].wanted);
  for (std::size_t i = 0; i < wrong_type.size() && out.size() < limit; ++i)
    line(both(wrong_type[i].name), " holds ", wrong_type[i].stored, ", which does not read as ", wrong_type[i].wanted);
  if (out.size() < problems()) line("and ", static_cast<Index>(problems() - out.size()), " more");
  return out;
}

namespace detail {

/// Which source entry goes where, and what does not fit. A tensor that is tied to one that was found is not missing.
struct LoadPlan {
  struct Source {
    std::string_view name;
    Shape shape;
  };
  LoadReport report;
  // Numbers in the module's state dict and of the source: what is to be copied, and what stands in the report.
  std::vector<std::pair<std::size_t, std::size_t>> pairs, wrong_shape;
  std::vector<std::size_t> missing, unexpected;

  GLOSS_LAZY GLOSS_COLD LoadPlan(const StateDict& module, const std::vector<Source>& sources,
                                 const LoadOptions& options) {
    const auto by_name =
        sorted_order(sources.size(), [&](std::size_t a, std::size_t b) { return sources[a].name < sources[b].name; });
    std::vector<char> wanted(sources.size()), found(module.size());
    std::size_t number = 0;
    for (const auto& [name, tensor] : module) {
      const std::size_t i = number++;
      const std::string key = options.prefix + name;
      const auto at = std::lower_bound(by_name.begin(), by_name.end(), std::string_view(key),
                                       [&](std::size_t a, std::string_view k) { return sources[a].name < k; });
      if (at == by_name.end() || sources[*at].name != key) continue;
      wanted[*at] = found[i] = 1;
      (sources[*at].shape == tensor.shape() ? pairs : wrong_shape).emplace_back(i, *at);
    }
    for (std::size_t i = 0; i < module.size(); ++i)
      if (!found[i] && !is_tied(module, found, i)) missing.push_back(i);
    for (std::size_t j = 0; j < sources.size(); ++j)
      if (!wanted[j] && sources[j].name.substr(0, options.prefix.size()) == options.prefix) unexpected.push_back(j);

    for (const auto& [i, j] : wrong_shape)
      report.wrong_shape.push_back({std::string(sources[j].name), sources[j].shape, module.entry(i).second.shape()});
    for (const std::size_t i : missing) report.missing.push_back(options.prefix + module.entry(i).first);
    for (const std::size_t j : unexpected) report.unexpected.push_back(std::string(sources[j].name));
  }

  /// Errors: LoadError with all problems that the options do not allow.
  GLOSS_LAZY GLOSS_COLD void require(const LoadOptions& options, std::string_view file) {
    const bool named = !options.strict || report.missing.size() + report.unexpected.size() == 0;
    if (named && (options.skip_wrong_shapes || report.wrong_shape.empty()) && report.wrong_type.empty()) return;
    // It throws from here on, so what the options allow may leave the report.
    if (!options.strict) report.missing.clear(), report.unexpected.clear();
    if (options.skip_wrong_shapes) report.wrong_shape.clear();
    const std::string where = "load_state_dict: " + (file.empty() ? std::string() : std::string(file) + ": ");
    const std::vector<std::string> lines = report.lines();
    if (lines.size() == 1) fail<LoadError>(where, lines[0]);
    std::string text;
    for (const std::string& line : lines) text += "\n  " + line;
    fail<LoadError>(where, static_cast<Index>(report.problems()), " problems, nothing was loaded", text);
  }

 private:
  GLOSS_LAZY static bool is_tied(const StateDict& module, const std::vector<char>& found, std::size_t i) {
    const AnyTensor& tensor = module.entry(i).second;
    for (std::size_t k = 0; k < module.size(); ++k)
      if (const AnyTensor& other = module.entry(k).second;
          found[k] && other.data() == tensor.data() && other.shape() == tensor.shape())
        return true;
    return false;
  }
};

/// Calls f(Tensor<U>) for what a module of T holds: T, int64 or bool.
template <Real T, class F>
GLOSS_COLD void with_state_type(const AnyTensor& x, F f) {
  if (x.is<T>())
    f(x.as<T>());
  else if (x.is<std::int64_t>())
    f(x.as<std::int64_t>());
  else
    f(x.as<bool>());
}

/// Whether `from` reads as To without losing its meaning, and, given a place, the numbers: one floating-point type as
/// any other, the rest as itself. They have memory of their own if `copies` or if they had to be converted.
template <Element To>
bool read_as(const AnyTensor& from, bool copies, Tensor<To>* numbers) {
  const auto convert = [&]<class From>(From) {
    if (!from.is<From>()) return false;
    if (!numbers) return true;
    if constexpr (std::same_as<From, To>) {
      *numbers = copies ? from.as<From>().clone() : from.as<From>();
    } else {
      const Tensor<From> dense = from.as<From>().contiguous();
      *numbers = Tensor<To>::uninitialized(dense.shape());
      for (Index i = 0, n = dense.numel(); i < n; ++i) numbers->data()[i] = static_cast<To>(dense.data()[i]);
    }
    return true;
  };
  if constexpr (Real<To>)
    return convert(float()) || convert(double());
  else
    return convert(To());
}

}  // namespace detail

/// Copies numbers into a module, by name. A float model takes them from a double one and the other way round, rounded
/// where that is needed; so this is also how a model is cast:
///   Model<double> exact(options);  nn::load_state_dict(exact, model.state_dict());
/// Of tensors that are tied, one name is enough. Nothing is changed unless all fits, and all is read before anything is
/// written, so the source may lie on the module's memory. Returns what the options let pass.
/// Errors: LoadError with every problem: missing and unexpected names and, for a wrong shape, both shapes; ShapeError
/// for a tensor of the module whose elements share a place.
/// PyTorch: load_state_dict
template <Real T>
LoadReport load_state_dict(Module<T>& module, const StateDict& source, const LoadOptions& options = {}) {
  const StateDict own = module.state_dict();
  std::vector<detail::LoadPlan::Source> sources;
  for (const auto& [name, tensor] : source) sources.push_back({name, tensor.shape()});
  detail::LoadPlan plan(own, sources, options);
  NoGradGuard no_grad;
  for (const auto& [i, j] : plan.pairs) {
    const AnyTensor& tensor = own.entry(i).second;
    const StateDict::Entry& stored = source.entry(j);
    detail::with_state_type<T>(tensor, [&]<class U>(const Tensor<U>& to) {
      gloss::detail::check_no_overlap("load_state_dict", gloss::detail::body_of("load_state_dict", to));
      if (!detail::read_as<U>(stored.second, false, nullptr))
        plan.report.wrong_type.push_back(
            {stored.first, std::string(stored.second.dtype()), std::string(tensor.dtype())});
    });
  }
  plan.require(options, "");
  std::vector<AnyTensor> numbers;  // all, before the first is written: a source may lie on the module's memory
  for (const auto& [i, j] : plan.pairs) {
    const AnyTensor& stored = source.entry(j).second;
    bool copies = false;
    for (const auto& [name, tensor] : own) copies = copies || tensor.shares_memory_with(stored);
    detail::with_state_type<T>(own.entry(i).second, [&]<class U>(const Tensor<U>&) {
      Tensor<U> x;
      detail::read_as(stored, copies, &x);
      numbers.push_back(x);
    });
  }
  for (std::size_t n = 0; n < numbers.size(); ++n)
    detail::with_state_type<T>(own.entry(plan.pairs[n].first).second,
                               [&]<class U>(const Tensor<U>& to) { to.copy_(numbers[n].template as<U>()); });
  return std::move(plan.report);
}

}  // namespace gloss::inline GLOSS_ABI::nn
