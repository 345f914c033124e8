// summary: a table of a model's layers, as Keras prints it: names, types, shapes, parameters, operations, memory.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gloss/core/profile_scope.hpp>
#include <gloss/nn/module.hpp>
#include <gloss/nn/type_name.hpp>
#include <gloss/tensor/storage.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct SummaryOptions {
  int depth = 100;        // how many levels are shown; what is below counts for the last of them
  bool training = false;  // one more forward, with a graph, tells how much a backward would need
};

/// What summarize() found.
struct Summary {
  struct Row {
    std::string name;  // dotted, "" for the model
    std::string type;  // without namespaces and arguments: "Linear"
    int level = 0;
    Shape output = {};      // of the last call
    std::size_t calls = 0;  // in one forward
    // Of its own or, where its modules are not shown, of all below; tied ones where they come first.
    Index parameters = 0;
    Index frozen = 0;  // of these
    // Of one forward, counted like parameters: those of matrix products, convolutions and attention.
    Index multiply_adds = 0;
  };
  std::vector<Row> rows;
  Index parameters = 0, frozen = 0, buffers = 0;                        // numbers in them
  std::size_t parameter_bytes = 0, buffer_bytes = 0, output_bytes = 0;  // outputs: of all rows in one forward
  Index multiply_adds = 0;                                              // of one forward
  std::size_t forward_bytes = 0;   // the most that one forward held at once, beside parameters, buffers and inputs
  std::size_t backward_bytes = 0;  // what a forward leaves for its backward; asked for by SummaryOptions::training
  std::vector<std::pair<std::string, std::string>> tied;  // a name, and the first name of the same tensor

  /// The table.
  std::string text() const;
};

namespace detail {
inline std::string grouped(Index n) {  // 1,234,567
  const std::string digits = std::to_string(n);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}
inline std::string readable_bytes(std::size_t bytes) {
  const char* const units[] = {"B", "KB", "MB", "GB"};
  std::size_t unit = 0;
  double value = static_cast<double>(bytes);
  while (value >= 1024 && unit < 3) value /= 1024, ++unit;
  const auto tenths = static_cast<Index>(value * 10 + 0.5);
  std::string out = std::to_string(tenths / 10);
  if (unit > 0) {
    out += '.';
    out += std::to_string(tenths % 10);
  }
  return out + " " + units[unit];
}

/// In evaluation, with the modes of all modules as they were afterwards.
template <Real T>
class EvalGuard {
 public:
  explicit EvalGuard(Module<T>& model) {
    for (const auto& [name, m] : model.named_modules()) modes_.emplace_back(m, m->is_training());
    model.eval();
  }
  ~EvalGuard() {
    for (const auto& [m, mode] : modes_) m->train(mode);  // outer ones first: each sets all within
  }
  EvalGuard(const EvalGuard&) = delete;
  EvalGuard& operator=(const EvalGuard&) = delete;

 private:
  std::vector<std::pair<Module<T>*, bool>> modes_;
};

/// Whether one name stands within another: "a.b" within "a" and within "".
inline bool is_within(const std::string& name, const std::string& outer) {
  return outer.empty() || name.compare(0, outer.size() + 1, outer + ".") == 0;
}

/// A module of the model, and where the table has it.
struct SummaryPart {
  const void* module;
  std::string name;
  std::size_t row = 0, parent = 0;  // its own row, or that of the nearest module around it that has one
  bool is_leaf = true;
  std::vector<double> weights = {};  // sizes of its own parameters of two axes or more
};

/// Hears what the modules return, and counts the operations between one and the next.
template <Real T>
class SummaryListener final : OutputListener, ProfileSink {
 public:
  SummaryListener(Summary& summary, const std::vector<SummaryPart>& parts)
      : summary_(summary),
        parts_(parts),
        outer_(std::exchange(gloss::detail::profile, static_cast<ProfileSink*>(this))) {
    this->listen();
  }
  ~SummaryListener() {
    this->stop();
    gloss::detail::profile = outer_;
    for (const double flops : pending_) count(0, flops);
  }
  SummaryListener(const SummaryListener&) = delete;
  SummaryListener& operator=(const SummaryListener&) = delete;

 private:
  void hear(const void* module, const void* output) override {
    for (const SummaryPart& part : parts_) {
      if (part.module != module) continue;
      const auto& y = *static_cast<const Tensor<T>*>(output);
      Summary::Row& row = summary_.rows[part.row];
      if (row.name == part.name) {
        row.output = y.shape();
        ++row.calls;
        summary_.output_bytes += static_cast<std::size_t>(y.numel()) * sizeof(T);
      }
      return share_out(part);
    }
  }
  /// Nobody tells when a module begins, so products since the last output may be of this module or of the one around
  /// it, before it called this one. A layer with one weight makes one product, the last; one without makes none.
  void share_out(const SummaryPart& part) {
    std::size_t own = 0;  // the first of its own
    if (part.is_leaf && part.weights.empty()) own = pending_.size();
    if (part.is_leaf && part.weights.size() == 1 && !pending_.empty())
      own = std::fmod(pending_.back(), 2 * part.weights[0]) == 0 ? pending_.size() - 1 : pending_.size();
    for (std::size_t i = 0; i < pending_.size(); ++i) count(i < own ? part.parent : part.row, pending_[i]);
    pending_.clear();
  }
  void count(std::size_t row, double flops) {
    const auto multiply_adds = static_cast<Index>(flops / 2);
    summary_.rows[row].multiply_adds += multiply_adds;
    summary_.multiply_adds += multiply_adds;
  }

  void begin(const char*, bool) override {}
  void end(double flops, double, const void*) noexcept override {
    if (flops > 0) pending_.push_back(flops);
  }
  void name(const char*, const void*) override {}

  Summary& summary_;
  const std::vector<SummaryPart>& parts_;
  ProfileSink* outer_;
  std::vector<double> pending_;
};

/// Other threads may have given back memory meanwhile.
inline std::size_t memory_beyond(std::size_t before, std::size_t now) { return now > before ? now - before : 0; }

template <Real T, class Forward>
Summary summarize(Module<T>& model, SummaryOptions options, Forward forward) {
  Summary s;
  std::vector<SummaryPart> parts;
  std::vector<std::size_t> open;  // the parts that the next one may be within
  for (const auto& [name, m] : model.named_modules()) {
    while (!open.empty() && !is_within(name, parts[open.back()].name)) open.pop_back();
    const int level = static_cast<int>(open.size());
    SummaryPart part{.module = m, .name = name};
    if (!open.empty()) part.row = part.parent = parts[open.back()].row, parts[open.back()].is_leaf = false;
    if (level <= options.depth) {
      part.row = s.rows.size();
      s.rows.push_back({.name = name, .type = short_type_name(typeid(*m)), .level = level});
    }
    open.push_back(parts.size());
    parts.push_back(std::move(part));
  }
  std::vector<Tensor<T>> first;  // one handle of each parameter
  std::vector<std::string> first_name;
  for_each_tensor(
      model,
      [&](const std::string& name, Parameter<T>& p) {
        SummaryPart* owner = &parts[0];
        for (SummaryPart& part : parts)
          if (is_within(name, part.name) && part.name.size() >= owner->name.size()) owner = &part;
        if (p.dim() >= 2) owner->weights.push_back(static_cast<double>(p.numel()));
        for (std::size_t i = 0; i < first.size(); ++i)
          if (first[i].is_same(p)) {
            s.tied.emplace_back(name, first_name[i]);
            return;
          }
        first.push_back(p);
        first_name.push_back(name);
        const Index frozen = p.requires_grad() ? 0 : p.numel();
        s.rows[owner->row].parameters += p.numel();
        s.rows[owner->row].frozen += frozen;
        s.parameters += p.numel();
        s.frozen += frozen;
        s.parameter_bytes += static_cast<std::size_t>(p.numel()) * sizeof(T);
      },
      [&](const std::string&, const AnyTensor& buffer, bool) {
        s.buffers += buffer.numel();
        s.buffer_bytes += buffer.bytes();
      });
  const EvalGuard<T> eval(model);
  if (options.training) {
    const std::size_t before = memory_stats().in_use;
    [[maybe_unused]] const auto kept = forward();
    s.backward_bytes = memory_beyond(before, memory_stats().in_use);
  }
  const NoGradGuard no_grad;
  const std::size_t before = memory_stats().in_use;
  reset_peak_memory();
  {
    const SummaryListener<T> listener(s, parts);
    forward();
  }
  s.forward_bytes = memory_beyond(before, memory_stats().peak);
  return s;
}
}  // namespace detail

inline std::string Summary::text() const {
  std::vector<std::vector<std::string>> cells = {{"layer", "type", "output", "parameters", "multiply-adds"}};
  const std::size_t columns = multiply_adds > 0 ? 5 : 4;
  for (const Row& row : rows) {
    std::string name = row.name.empty() ? "(model)" : row.name;
    for (const Row& outer : rows)  // the part behind the nearest row that it is within
      if (!outer.name.empty() && detail::is_within(row.name, outer.name)) name = row.name.substr(outer.name.size() + 1);
    std::string output = row.calls == 0 ? "-" : to_string(row.output);
    if (row.calls > 1) output += " x " + std::to_string(row.calls);
    std::string count = row.parameters == 0 ? "-" : detail::grouped(row.parameters);
    if (row.frozen > 0) count += row.frozen == row.parameters ? " frozen" : " partly frozen";
    cells.push_back({std::string(static_cast<std::size_t>(2 * row.level), ' ') + name, row.type, output, count,
                     row.multiply_adds == 0 ? "-" : detail::grouped(row.multiply_adds)});
  }
  std::vector<std::size_t> width(columns);
  std::size_t whole = 2 * (columns - 1);
  for (std::size_t k = 0; k < columns; ++k) {
    for (const auto& line : cells)
      if (line[k].size() > width[k]) width[k] = line[k].size();
    whole += width[k];
  }
  const std::string rule(whole, '-');
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (std::size_t k = 0; k + 1 < columns; ++k)
      out += cells[i][k] + std::string(width[k] + 2 - cells[i][k].size(), ' ');
    out += cells[i][columns - 1] + "\n";
    if (i == 0) out += rule + "\n";
  }
  out += rule + "\nparameters " + detail::grouped(parameters) + " (trainable " + detail::grouped(parameters - frozen) +
         ", frozen " + detail::grouped(frozen) + "), " + detail::readable_bytes(parameter_bytes) + "\n";
  if (buffers > 0) out += "buffers " + detail::grouped(buffers) + ", " + detail::readable_bytes(buffer_bytes) + "\n";
  if (output_bytes > 0) out += "outputs of one forward " + detail::readable_bytes(output_bytes) + "\n";
  if (forward_bytes > 0) out += "memory of one forward " + detail::readable_bytes(forward_bytes) + "\n";
  if (backward_bytes > 0) out += "kept for a backward " + detail::readable_bytes(backward_bytes) + "\n";
  if (multiply_adds > 0) out += "multiply-adds of one forward " + detail::grouped(multiply_adds) + "\n";
  for (const auto& [name, original] : tied) out += "tied: " + name + " is " + original + "\n";
  return out;
}

/// Runs the model once on these inputs, in evaluation and without a graph, and tells what its layers are and return,
/// their multiply-adds (of matrix products, convolutions and attention) and the memory that it takes; the peak of
/// memory_stats() begins anew. Without inputs it is not run, and there are no output shapes.
/// Errors: those of the model's forward.
template <class M, class... Inputs>
Summary summarize(M& model, SummaryOptions options, const Inputs&... inputs) {
  return detail::summarize<typename M::value_type>(model, options, [&] {
    if constexpr (sizeof...(Inputs) > 0)
      return model(inputs...);
    else
      return 0;
  });
}

/// The table of a model as a text, for std::cout << nn::summary(model, x) or nn::summary(model, {.depth = 1}, x).
/// Errors: as summarize.
/// PyTorch: torchinfo.summary, fvcore's FlopCountAnalysis
template <class M, class... Inputs>
std::string summary(M& model, SummaryOptions options, const Inputs&... inputs) {
  return summarize(model, options, inputs...).text();
}
template <class M, class... Inputs>
  requires(!(std::is_same_v<Inputs, SummaryOptions> || ...))
std::string summary(M& model, const Inputs&... inputs) { return summarize(model, SummaryOptions{}, inputs...).text(); }

}  // namespace gloss::inline GLOSS_ABI::nn
