// Weights of linear layers in fewer bytes, or laid out for products, for inference.
#pragma once

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <gloss/kernels/gemm/bfloat16_weights.hpp>
#include <gloss/kernels/gemm/block_weights.hpp>
#include <gloss/kernels/gemm/float_weights.hpp>
#include <gloss/kernels/gemm/int8.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/linear.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// What a weight becomes.
enum class WeightFormat : unsigned char {
  int8,         // 8 bits and a scale for each output; inputs become bytes row by row, sums are whole numbers and exact
  bfloat16,     // 16 bits; inputs are rounded as well, sums are float
  int4,         // 4 bits and a scale for every 32 inputs, as GGUF's Q4_0: 4.5 bits in all; inputs become bytes 32 by 32
  int8_blocks,  // 8 bits and a scale for every 32 inputs, as GGUF's Q8_0: 8.5 bits in all
  float32,      // the numbers, laid out as products read them: the same results, sooner
};

struct QuantizeOptions {
  WeightFormat weights = WeightFormat::int8;
  std::vector<std::string> keep =
      {};  // layers that stay as they are, with all within them: "generator", "decoder.layers.5"
};

/// What became of one weight.
struct QuantizedWeight {
  std::string name;  // of the parameter
  Shape shape;
  double error = 0;  // the root of mean (W' - W)^2 over that of mean W^2
  std::size_t bytes_before = 0, bytes_after = 0;
};

/// What quantize has done.
struct QuantizeReport {
  std::vector<QuantizedWeight> weights;
  std::size_t bytes_before = 0, bytes_after = 0;  // of all parameters of the model

  /// A line for each weight and one for all, with the megabytes of 10^6 bytes.
  std::string table() const;
};

namespace detail {

/// A weight in the form of kernels::Int8Weights, Bfloat16Weights, BlockWeights or FloatWeights.
template <class Form>
class PackedAs final : public gloss::detail::PackedWeight {
 public:
  /// `form` has the sizes.
  explicit PackedAs(const Form& form) : packed_(form), memory_(empty<std::uint8_t>({form.bytes()})) {
    packed_.place(memory_.data());
  }
  void linear(Index rows, const float* x, float* y, Index ldy, const kernels::Epilogue<float>& end) const override {
    kernels::packed_product(packed_, rows, x, packed_.k, y, ldy, end);
  }
  void rows_of(Index rows, const std::int64_t* ids, float* y, float scale) const override {
    for (Index r = 0; r < rows; ++r) kernels::unpack_row(packed_, ids[r], scale, y + r * packed_.k);
  }
  const Form& form() const { return packed_; }
  float* nothing() { return &nothing_; }

 private:
  Form packed_;
  Tensor<std::uint8_t> memory_;
  float nothing_ = NAN;  // what reads the numbers all the same
};

/// What a parameter is packed as, or null.
template <class Form>
const Form* packed_form(const Tensor<float>& parameter) {
  const auto* const packed = dynamic_cast<const PackedAs<Form>*>(gloss::detail::packed_weight(parameter));
  return packed ? &packed->form() : nullptr;
}

/// A tensor on a weight of this form, which pack(form) writes.
template <class Form, class F>
Tensor<float> packed_tensor(const Form& form, const F& pack) {
  auto* const packed = new PackedAs<Form>(form);
  Ref<Storage> storage(packed);
  pack(packed->form());
  return Tensor<float>::on_storage(std::move(storage), packed->nothing(), {form.n, form.k}, {0, 0});
}

/// Whether `name` is `part` or lies within it.
inline bool is_within(std::string_view name, std::string_view part) {
  return name.starts_with(part) && (name.size() == part.size() || name[part.size()] == '.');
}

/// How far a packed weight is from what it was.
GLOSS_LAZY double packed_error(const gloss::detail::PackedWeight& packed, const Tensor<float>& weight) {
  const Tensor<float> w = weight.detach().contiguous();
  const Index k = w.size(1);
  std::vector<float> row(static_cast<std::size_t>(k));
  double squares = 0, wrong = 0;
  for (std::int64_t j = 0; j < w.size(0); ++j) {
    packed.rows_of(1, &j, row.data(), 1);
    for (Index p = 0; p < k; ++p) {
      const double before = static_cast<double>(w.data()[j * k + p]);
      const double off = static_cast<double>(row[static_cast<std::size_t>(p)]) - before;
      squares += before * before, wrong += off * off;
    }
  }
  return squares > 0 ? std::sqrt(wrong / squares) : 0;
}

/// The tensor that takes the place of a weight.
struct Replacement {
  Tensor<float> before, after;
};

/// A weight in this form, in which its numbers are rounded.
template <class Form>
Replacement rounded_to(Form form, const Tensor<float>& weight, QuantizedWeight& about) {
  const Tensor<float> w = weight.detach().contiguous();
  form.n = w.size(0), form.k = w.size(1);
  const Tensor<float> after = packed_tensor(form, [&](const Form& to) { kernels::pack_weight(w.data(), form.k, to); });
  about.error = packed_error(*gloss::detail::packed_weight(after), w);
  about.bytes_after = static_cast<std::size_t>(form.bytes());
  return {weight, after};
}

/// A weight in blocks of so many bits.
GLOSS_LAZY Replacement rounded_to_blocks(int bits, const Tensor<float>& weight, QuantizedWeight& about) {
  const Tensor<float> w = weight.detach().contiguous();
  const bool has_halves = kernels::suits_halves(w.data(), w.size(0), w.size(1), bits);
  return rounded_to(kernels::BlockWeights{.bits = bits, .has_halves = has_halves}, weight, about);
}

/// Puts packed weights into a model, which from then on is one for inference, and adds up the report's bytes.
GLOSS_LAZY void replace_weights(Module<float>& model, const std::vector<Replacement>& all, QuantizeReport& report) {
  report.bytes_before = report.bytes_after = 4 * static_cast<std::size_t>(model.num_parameters());
  for (std::size_t i = 0; i < all.size(); ++i) {
    QuantizedWeight& w = report.weights[i];
    w.shape = all[i].before.shape();
    w.bytes_before = 4 * static_cast<std::size_t>(all[i].before.numel());
    report.bytes_after += w.bytes_after - w.bytes_before;
  }
  for_each_tensor(model, [&](const std::string&, Parameter<float>& p) {
    for (const Replacement& r : all)
      if (p.is_same(r.before)) static_cast<Tensor<float>&>(p) = r.after;
  });
  model.requires_grad_(false);
  model.eval();
}

}  // namespace detail

/// Makes the model one for inference whose linear layers keep their weights in fewer bytes: the weight of each
/// nn::Linear, and of an nn::Embedding that is tied to one, is replaced by a packed one, to the calls of the model the
/// same tensor of the same shape. Everything else stays float. The numbers of a packed weight are not kept: read, they
/// are NaN; the model is put in eval mode and all of its parameters are frozen, it can be copied (copies share packed
/// weights) and run by any number of threads, but neither trained, nor saved or loaded as a model of float.
/// Weights of more than 65536 inputs stay as they are in int8.
/// With float32 nothing is rounded, and memory grows by what the last panel of a weight lacks: the model gives the bits
/// that it gave, except where a layer of up to 16 rows read a transposed view as it lay, and with GLOSS_WITH_BLAS; and
/// set_matmul_precision is not asked.
/// Errors: Error when no layer of that name is there to keep, or nothing is left to quantize.
/// PyTorch: torch.ao.quantization.quantize_dynamic
GLOSS_LAZY QuantizeReport quantize(Module<float>& model, const QuantizeOptions& options = {}) {
  const auto modules = model.named_modules();
  for (const std::string& part : options.keep)
    if (std::none_of(modules.begin(), modules.end(), [&](const auto& m) { return m.first == part; }))
      fail("quantize: there is no '", part, "' to keep");
  std::vector<detail::Replacement> replaced;
  QuantizeReport report;
  for (const auto& entry : modules) {
    const std::string& path = entry.first;
    const auto* const linear = dynamic_cast<const Linear<float>*>(entry.second);
    const auto keeps = [&](const std::string& part) { return detail::is_within(path, part); };
    if (!linear || std::any_of(options.keep.begin(), options.keep.end(), keeps)) continue;
    const Tensor<float> weight = linear->weight;
    const auto is_weight = [&](const detail::Replacement& r) { return r.before.is_same(weight); };
    if (weight.storage()->is_packed() || weight.numel() == 0 ||
        std::any_of(replaced.begin(), replaced.end(), is_weight))
      continue;
    const WeightFormat format = options.weights;
    if (format == WeightFormat::int8 && weight.size(1) > kernels::Int8Weights::most_depth) continue;
    QuantizedWeight about;
    about.name = path.empty() ? "weight" : path + ".weight";
    if (format == WeightFormat::int8)
      replaced.push_back(detail::rounded_to(kernels::Int8Weights{}, weight, about));
    else if (format == WeightFormat::bfloat16)
      replaced.push_back(detail::rounded_to(kernels::Bfloat16Weights{}, weight, about));
    else if (format == WeightFormat::float32)
      replaced.push_back(detail::rounded_to(kernels::FloatWeights{}, weight, about));
    else
      replaced.push_back(detail::rounded_to_blocks(format == WeightFormat::int4 ? 4 : 8, weight, about));
    report.weights.push_back(about);
  }
  if (replaced.empty()) fail("quantize: the model has no linear layer to quantize");
  detail::replace_weights(model, replaced, report);
  return report;
}

inline std::string QuantizeReport::table() const {
  std::string out;
  char line[160];
  const auto megabytes = [](std::size_t bytes) { return static_cast<double>(bytes) * 1e-6; };
  for (const QuantizedWeight& w : weights) {
    std::snprintf(line, sizeof line, "%-40s %9.3f MB -> %8.3f MB  error %.2e\n", w.name.c_str(),
                  megabytes(w.bytes_before), megabytes(w.bytes_after), w.error);
    out += line;
  }
  std::snprintf(line, sizeof line, "%-40s %9.3f MB -> %8.3f MB\n", "all parameters", megabytes(bytes_before),
                megabytes(bytes_after));
  return out += line;
}

}  // namespace gloss::inline GLOSS_ABI::nn
