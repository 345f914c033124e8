// summary: a table of a model's layers, as Keras prints it: names, types, output shapes, parameters.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gloss/nn/taps.hpp>
#include <gloss/nn/type_name.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct SummaryOptions {
  int depth = 100;  // how many levels are shown; what is below counts for the last of them
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
  };
  std::vector<Row> rows;
  Index parameters = 0, frozen = 0, buffers = 0;                        // numbers in them
  std::size_t parameter_bytes = 0, buffer_bytes = 0, output_bytes = 0;  // outputs: of all rows in one forward
  std::vector<std::pair<std::string, std::string>> tied;                // a name, and the first name of the same tensor

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

template <Real T, class Forward>
Summary summarize(Module<T>& model, SummaryOptions options, Forward forward) {
  Summary s;
  const auto modules = model.named_modules();
  std::vector<std::string> open;  // the names that the next one may be within
  for (const auto& [name, m] : modules) {
    while (!open.empty() && !is_within(name, open.back())) open.pop_back();
    const int level = static_cast<int>(open.size());
    open.push_back(name);
    if (level <= options.depth) s.rows.push_back({.name = name, .type = short_type_name(typeid(*m)), .level = level});
  }
  std::vector<Tensor<T>> first;  // one handle of each parameter
  std::vector<std::string> first_name;
  for_each_tensor(
      model,
      [&](const std::string& name, Parameter<T>& p) {
        for (std::size_t i = 0; i < first.size(); ++i)
          if (first[i].is_same(p)) {
            s.tied.emplace_back(name, first_name[i]);
            return;
          }
        first.push_back(p);
        first_name.push_back(name);
        Summary::Row* owner = &s.rows[0];
        for (Summary::Row& row : s.rows)
          if (is_within(name, row.name) && row.name.size() >= owner->name.size()) owner = &row;
        const Index frozen = p.requires_grad() ? 0 : p.numel();
        owner->parameters += p.numel();
        owner->frozen += frozen;
        s.parameters += p.numel();
        s.frozen += frozen;
        s.parameter_bytes += static_cast<std::size_t>(p.numel()) * sizeof(T);
      },
      [&](const std::string&, const AnyTensor& buffer, bool) {
        s.buffers += buffer.numel();
        s.buffer_bytes += buffer.bytes();
      });
  NoGradGuard no_grad;
  const EvalGuard<T> eval(model);
  const Taps<T> taps(model);
  forward();
  for (const auto& [name, y] : taps.calls())
    for (Summary::Row& row : s.rows)
      if (row.name == name) {
        row.output = y.shape();
        ++row.calls;
        s.output_bytes += static_cast<std::size_t>(y.numel()) * sizeof(T);
      }
  return s;
}
}  // namespace detail

inline std::string Summary::text() const {
  std::vector<std::vector<std::string>> cells = {{"layer", "type", "output", "parameters"}};
  for (const Row& row : rows) {
    std::string name = row.name.empty() ? "(model)" : row.name;
    for (const Row& outer : rows)  // the part behind the nearest row that it is within
      if (!outer.name.empty() && detail::is_within(row.name, outer.name)) name = row.name.substr(outer.name.size() + 1);
    std::string output = row.calls == 0 ? "-" : to_string(row.output);
    if (row.calls > 1) output += " x " + std::to_string(row.calls);
    std::string count = row.parameters == 0 ? "-" : detail::grouped(row.parameters);
    if (row.frozen > 0) count += row.frozen == row.parameters ? " frozen" : " partly frozen";
    cells.push_back({std::string(static_cast<std::size_t>(2 * row.level), ' ') + name, row.type, output, count});
  }
  std::size_t width[4] = {};
  for (const auto& line : cells)
    for (std::size_t k = 0; k < 4; ++k)
      if (line[k].size() > width[k]) width[k] = line[k].size();
  const std::string rule(width[0] + width[1] + width[2] + width[3] + 6, '-');
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (std::size_t k = 0; k < 3; ++k) out += cells[i][k] + std::string(width[k] + 2 - cells[i][k].size(), ' ');
    out += cells[i][3] + "\n";
    if (i == 0) out += rule + "\n";
  }
  out += rule + "\nparameters " + detail::grouped(parameters) + " (trainable " + detail::grouped(parameters - frozen) +
         ", frozen " + detail::grouped(frozen) + "), " + detail::readable_bytes(parameter_bytes) + "\n";
  if (buffers > 0) out += "buffers " + detail::grouped(buffers) + ", " + detail::readable_bytes(buffer_bytes) + "\n";
  if (output_bytes > 0) out += "outputs of one forward " + detail::readable_bytes(output_bytes) + "\n";
  for (const auto& [name, original] : tied) out += "tied: " + name + " is " + original + "\n";
  return out;
}

/// Runs the model once on these inputs, in evaluation and without a graph, and tells what its layers are and return.
/// Without inputs it is not run, and there are no output shapes.
/// Errors: those of the model's forward.
template <class M, class... Inputs>
Summary summarize(M& model, SummaryOptions options, const Inputs&... inputs) {
  return detail::summarize<typename M::value_type>(model, options, [&] {
    if constexpr (sizeof...(Inputs) > 0) static_cast<void>(model(inputs...));
  });
}

/// The table of a model as a text, for std::cout << nn::summary(model, x) or nn::summary(model, {.depth = 1}, x).
/// Errors: as summarize.
/// PyTorch: torchinfo.summary
template <class M, class... Inputs>
std::string summary(M& model, SummaryOptions options, const Inputs&... inputs) {
  return summarize(model, options, inputs...).text();
}
template <class M, class... Inputs>
  requires(!(std::is_same_v<Inputs, SummaryOptions> || ...))
std::string summary(M& model, const Inputs&... inputs) { return summarize(model, SummaryOptions{}, inputs...).text(); }

}  // namespace gloss::inline GLOSS_ABI::nn
