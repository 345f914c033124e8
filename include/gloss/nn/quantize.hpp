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
#include <gloss/nn/multihead_attention.hpp>

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

/// Whether every so many rows of a weight are a weight of their own in this form.
template <class Form>
bool can_be_cut(const Form& form, Index rows) {
  return rows % form.panel_columns() == 0 && form.part(0, rows).panel_columns() == form.panel_columns();
}

/// A weight in the form of kernels::Int8Weights, Bfloat16Weights, BlockWeights or FloatWeights.
template <class Form>
class PackedAs final : public gloss::detail::PackedWeight {
 public:
  /// `form` has the sizes.
  explicit PackedAs(const Form& form) : packed_(form), memory_(empty<std::uint8_t>({form.bytes()})) {
    packed_.place(memory_.data());
  }
  /// `form` lies in this memory.
  PackedAs(const Form& form, const Tensor<std::uint8_t>& memory) : packed_(form), memory_(memory) {}
  void linear(Index rows, const float* x, float* y, Index ldy, const kernels::Epilogue<float>& end) const override {
    kernels::packed_product(packed_, rows, x, packed_.k, y, ldy, end);
  }
  void rows_of(Index rows, const std::int64_t* ids, float* y, float scale) const override {
    for (Index r = 0; r < rows; ++r) kernels::unpack_row(packed_, ids[r], scale, y + r * packed_.k);
  }
  Tensor<float> part(Index first, Index count) const override {
    if (first % packed_.panel_columns() != 0 || !can_be_cut(packed_, count)) return PackedWeight::part(first, count);
    return tensor(new PackedAs(packed_.part(first, count), memory_));
  }
  const Form& form() const { return packed_; }
  /// The tensor on a weight, which takes it over.
  static Tensor<float> tensor(PackedAs* packed) {
    const Form& form = packed->packed_;
    return Tensor<float>::on_storage(Ref<Storage>(packed), &packed->nothing_, {form.n, form.k}, {0, 0});
  }

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
  const Tensor<float> weight = PackedAs<Form>::tensor(packed);
  pack(packed->form());
  return weight;
}

/// Whether `name` is `part` or lies within it.
inline bool is_within(std::string_view name, std::string_view part) {
  return name.starts_with(part) && (name.size() == part.size() || name[part.size()] == '.');
}

/// A weight of a model that products read, and may read packed.
struct ProductWeight {
  std::string owner, name;  // the module's path; the parameter's name
  Tensor<float> weight;
  Index apart = 0;  // where products read parts: of so many rows each
};
/// Those of a model, tied ones once.
GLOSS_LAZY std::vector<ProductWeight> product_weights(const Module<float>& model) {
  std::vector<ProductWeight> all;
  const auto add = [&](const std::string& path, const char* name, const Tensor<float>& weight, Index apart) {
    const auto is_known = [&](const ProductWeight& w) { return w.weight.is_same(weight); };
    if (!weight.defined() || weight.numel() == 0 || std::any_of(all.begin(), all.end(), is_known)) return;
    all.push_back({path, path.empty() ? name : path + "." + name, weight, apart});
  };
  for (const auto& [path, module] : model.named_modules()) {
    if (const auto* const linear = dynamic_cast<const Linear<float>*>(module)) add(path, "weight", linear->weight, 0);
    if (const auto* const attention = dynamic_cast<const MultiheadAttention<float>*>(module)) {
      add(path, "in_proj_weight", attention->in_proj_weight, attention->embed_dim);
      add(path, "q_proj_weight", attention->q_proj_weight, 0);
      add(path, "k_proj_weight", attention->k_proj_weight, 0);
      add(path, "v_proj_weight", attention->v_proj_weight, 0);
    }
  }
  return all;
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

/// A weight in this form, in which its numbers are rounded; undefined where products read parts that this form cannot
/// be cut into.
template <class Form>
Tensor<float> rounded_to(Form form, const ProductWeight& product, QuantizedWeight& about) {
  const Tensor<float> w = product.weight.detach().contiguous();
  form.n = w.size(0), form.k = w.size(1);
  if (product.apart > 0 && !can_be_cut(form, product.apart)) return {};
  const Tensor<float> after = packed_tensor(form, [&](const Form& to) { kernels::pack_weight(w.data(), form.k, to); });
  about.error = packed_error(*gloss::detail::packed_weight(after), w);
  about.bytes_after = static_cast<std::size_t>(form.bytes());
  return after;
}

/// A weight in blocks of so many bits.
GLOSS_LAZY Tensor<float> rounded_to_blocks(int bits, const ProductWeight& product, QuantizedWeight& about) {
  const Tensor<float> w = product.weight.detach().contiguous();
  const bool has_halves = kernels::suits_halves(w.data(), w.size(0), w.size(1), bits);
  return rounded_to(kernels::BlockWeights{.bits = bits, .has_halves = has_halves}, product, about);
}

/// A weight in a format; undefined where it cannot be.
GLOSS_LAZY Tensor<float> packed_in(WeightFormat format, const ProductWeight& w, QuantizedWeight& about) {
  switch (format) {
    case WeightFormat::int8:
      return w.weight.size(1) > kernels::Int8Weights::most_depth ? Tensor<float>{}
                                                                 : rounded_to(kernels::Int8Weights{}, w, about);
    case WeightFormat::bfloat16:
      return rounded_to(kernels::Bfloat16Weights{}, w, about);
    case WeightFormat::float32:
      return rounded_to(kernels::FloatWeights{}, w, about);
    case WeightFormat::int4:
      return rounded_to_blocks(4, w, about);
    case WeightFormat::int8_blocks:
      break;
  }
  return rounded_to_blocks(8, w, about);
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

/// quantize for those weights of which is_wanted(weight); nothing where there is none.
template <class F>
QuantizeReport quantize_where(Module<float>& model, WeightFormat format, const F& is_wanted) {
  std::vector<Replacement> replaced;
  QuantizeReport report;
  for (const ProductWeight& w : product_weights(model)) {
    if (w.weight.storage()->is_packed() || !is_wanted(w)) continue;
    QuantizedWeight about;
    about.name = w.name;
    const Tensor<float> after = packed_in(format, w, about);
    if (!after.defined()) continue;
    replaced.push_back({w.weight, after});
    report.weights.push_back(about);
  }
  if (!replaced.empty()) replace_weights(model, replaced, report);
  return report;
}

}  // namespace detail

/// Makes the model one for inference whose linear layers keep their weights in fewer bytes: the weight of each
/// nn::Linear, and of an nn::Embedding that is tied to one, and the projections of an nn::MultiheadAttention are
/// replaced by packed ones, to the calls of the model the same tensor of the same shape. Everything else stays float.
/// The numbers of a packed weight are not kept: read, they are NaN; the model is put in eval mode and all of its
/// parameters are frozen, it can be copied (copies share packed weights) and run by any number of threads, but neither
/// trained, nor saved or loaded as a model of float. Weights of more than 65536 inputs stay as they are in int8, and an
/// in_proj_weight whose embed_dim does not fill whole panels (of 64 columns; of float, of the instruction set's) in
/// every format. With float32 nothing is rounded, and memory grows by what the last panel of a weight lacks: the model
/// gives the bits that it gave, except where a layer of up to 16 rows read a transposed view as it lay, and with
/// GLOSS_WITH_BLAS; and set_matmul_precision is not asked.
/// Errors: Error when no layer of that name is there to keep, or nothing is left to quantize.
/// PyTorch: torch.ao.quantization.quantize_dynamic
GLOSS_LAZY QuantizeReport quantize(Module<float>& model, const QuantizeOptions& options = {}) {
  const auto modules = model.named_modules();
  for (const std::string& part : options.keep)
    if (std::none_of(modules.begin(), modules.end(), [&](const auto& m) { return m.first == part; }))
      fail("quantize: there is no '", part, "' to keep");
  const QuantizeReport report = detail::quantize_where(model, options.weights, [&](const detail::ProductWeight& w) {
    const auto keeps = [&](const std::string& part) { return detail::is_within(w.owner, part); };
    return std::none_of(options.keep.begin(), options.keep.end(), keeps);
  });
  if (report.weights.empty()) fail("quantize: the model has no linear layer to quantize");
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
