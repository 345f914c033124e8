// Models with packed weights, to and from safetensors files.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gloss/io/safetensors.hpp>
#include <gloss/nn/load_state_dict.hpp>
#include <gloss/nn/quantize.hpp>
#include <gloss/ops/cast.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {
struct NamedWeight {
  std::string name;
  Tensor<float> weight;
};

/// The names of the scales and minima of a weight of 8 or 4 bits.
inline std::string scale_name(const std::string& weight) { return weight + ".scale"; }
inline std::string minimum_name(const std::string& weight) { return weight + ".minimum"; }

/// Adds a weight in blocks to what is to be saved.
GLOSS_LAZY void add_blocks(std::vector<NamedTensor>& tensors, const std::string& name, const kernels::BlockWeights& w) {
  const Index bytes = 4 * w.bits;  // of a block
  const Tensor<std::uint8_t> codes = empty<std::uint8_t>({w.n, w.blocks() * bytes});
  const Tensor<float> scales = empty<float>({w.n, w.blocks()}), minima = empty<float>({w.n, w.blocks()});
  for (Index i = 0; i < w.n * w.blocks(); ++i) {
    const kernels::Block block = w.get(i / w.blocks(), i % w.blocks());
    scales.data()[i] = block.scale, minima.data()[i] = block.minimum;
    for (Index p = 0; p < bytes; ++p)
      codes.data()[i * bytes + p] =
          static_cast<std::uint8_t>(block.codes[p] | (w.bits == 4 ? block.codes[p + 16] << 4 : 0));
  }
  tensors.push_back({name, codes});
  const Dtype type = w.has_halves ? Dtype::F16 : Dtype::F32;
  tensors.push_back({scale_name(name), scales, type});
  if (w.has_minimum) tensors.push_back({minimum_name(name), minima, type});
}

/// The weight in blocks that add_blocks has saved, for a layer of k inputs.
GLOSS_LAZY Tensor<float> blocks_from(const TensorFile& file, const std::string& name, Index k) {
  const Tensor<std::uint8_t> codes = file.tensor<std::uint8_t>(name);
  const Tensor<float> scales = file.tensor<float>(scale_name(name));
  const bool has_minimum = file.find(minimum_name(name)) != nullptr;
  const Tensor<float> minima = has_minimum ? file.tensor<float>(minimum_name(name)) : scales;
  const bool has_halves = file.entry(scale_name(name)).dtype == Dtype::F16 &&
                          (!has_minimum || file.entry(minimum_name(name)).dtype == Dtype::F16);
  const Index n = scales.size(0), blocks = scales.size(1);
  const int bits = codes.dim() == 2 && codes.size(1) == blocks * 16 ? 4 : 8;
  const kernels::BlockWeights form{.bits = bits, .has_minimum = has_minimum, .has_halves = has_halves, .n = n, .k = k};
  const Index bytes = 4 * bits;  // of a block
  if (codes.shape() != Shape{n, blocks * bytes} || form.blocks() != blocks)
    fail<LoadError>("load_quantized: ", file.file(), ": ", name, " ", codes.shape(), " with scales ", scales.shape(),
                    " is no weight of ", k, " inputs in blocks of ", kernels::block_length);
  if (minima.shape() != scales.shape())
    fail<LoadError>("load_quantized: ", file.file(), ": ", minimum_name(name), " ", minima.shape(),
                    " has not the shape of ", scale_name(name), " ", scales.shape());
  return nn::detail::packed_tensor(form, [&](const kernels::BlockWeights& to) {
    kernels::pack_blocks(to, [&](Index j, Index b) {
      const Index i = j * blocks + b;
      kernels::Block block{.scale = scales.data()[i], .minimum = minima.data()[i]};
      for (Index p = 0; p < bytes; ++p) {
        const std::uint8_t byte = codes.data()[i * bytes + p];
        block.codes[p] = bits == 8 ? byte : byte & 15;
        if (bits == 4) block.codes[p + 16] = byte >> 4;
      }
      return block;
    });
  });
}

/// Calls f for the parameter of a model with this name.
template <class F>
void with_parameter(nn::Module<float>& model, const std::string& wanted, const F& f) {
  nn::for_each_tensor(model, [&](const std::string& name, nn::Parameter<float>& p) {
    if (name == wanted) f(p);
  });
}

/// Puts weights in blocks into a model, under these names.
GLOSS_LAZY void replace_named(nn::Module<float>& model, const std::vector<NamedWeight>& weights) {
  std::vector<nn::detail::Replacement> all;
  for (const NamedWeight& w : weights)
    with_parameter(model, w.name, [&](const Tensor<float>& p) { all.push_back({p, w.weight}); });
  nn::QuantizeReport report;
  report.weights.resize(all.size());
  if (!all.empty()) nn::detail::replace_weights(model, all, report);
}

/// Packs the layers whose weights have these names.
GLOSS_LAZY void quantize_named(nn::Module<float>& model, const std::vector<std::string>& names,
                               nn::WeightFormat format) {
  if (names.empty()) return;
  std::vector<Tensor<float>> wanted;
  nn::for_each_tensor(model, [&](const std::string& name, nn::Parameter<float>& p) {
    if (std::find(names.begin(), names.end(), name) != names.end()) wanted.push_back(p);
  });
  nn::detail::quantize_where(model, format, [&](const nn::detail::ProductWeight& w) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const Tensor<float>& x) { return x.is_same(w.weight); });
  });
}
}  // namespace detail

/// Saves a model that nn::quantize has packed: a weight of 8 bits as its bytes plus 128 (U8), with the scale of each
/// row under its name and ".scale"; a weight in bfloat16 as it is (BF16); a weight in blocks of 32 as its codes (U8),
/// those of 4 bits with number i of a block in the lower and number i + 16 in the upper half of a byte, with the scales
/// [rows, blocks] (F16 or F32) and, where it has them, minima under its name and ".minimum": W = scale * (code - 128 or
/// 8), or scale * code + minimum; everything else, panels of float too, as io::save does. Of tensors that are tied, one
/// is saved.
/// Errors: as save_safetensors.
GLOSS_LAZY void save_quantized(const nn::Module<float>& model, const std::string& path, const Metadata& metadata = {}) {
  std::vector<NamedTensor> tensors;
  std::vector<Tensor<float>> seen;
  const auto add_parameter = [&](const std::string& name, nn::Parameter<float>& p) {
    if (std::any_of(seen.begin(), seen.end(), [&](const Tensor<float>& x) { return x.is_same(p); })) return;
    seen.push_back(p);
    const auto rows = p.dim() == 2 ? p.size(0) : 0, columns = p.dim() == 2 ? p.size(1) : 0;
    if (const auto* const bytes = nn::detail::packed_form<kernels::Int8Weights>(p)) {
      const Tensor<std::uint8_t> x = empty<std::uint8_t>({rows, columns});
      const Tensor<float> scales = empty<float>({rows});
      for (Index j = 0; j < rows; ++j) {
        scales.data()[j] = bytes->scales[j];
        for (Index k = 0; k < columns; ++k)
          x.data()[j * columns + k] = static_cast<std::uint8_t>(bytes->quads[bytes->at(j, k)] + 128);
      }
      tensors.push_back({name, x});
      tensors.push_back({detail::scale_name(name), scales});
    } else if (const auto* const numbers = nn::detail::packed_form<kernels::Bfloat16Weights>(p)) {
      const Tensor<bfloat16> x = empty<bfloat16>({rows, columns});
      for (Index j = 0; j < rows; ++j)
        for (Index k = 0; k < columns; ++k) x.data()[j * columns + k] = numbers->numbers[numbers->at(j, k)];
      tensors.push_back({name, x});
    } else if (const auto* const blocks = nn::detail::packed_form<kernels::BlockWeights>(p)) {
      detail::add_blocks(tensors, name, *blocks);
    } else if (const auto* const panels = nn::detail::packed_form<kernels::FloatWeights>(p)) {
      const Tensor<float> x = empty<float>({rows, columns});
      for (Index j = 0; j < rows; ++j) kernels::unpack_row(*panels, j, 1, x.data() + j * columns);
      tensors.push_back({name, x});
    } else {
      tensors.push_back({name, p});
    }
  };
  nn::for_each_tensor(const_cast<nn::Module<float>&>(model), add_parameter,
                      [&](const std::string& name, const AnyTensor& buffer, bool persistent) {
                        if (persistent)
                          nn::detail::with_state_type<float>(buffer, [&]<class U>(const Tensor<U>& x) {
                            tensors.push_back({name, x});
                          });
                      });
  save_safetensors(path, tensors, metadata);
}

/// Loads what save_quantized has written into a model of the same sizes that is of float so far, and packs the same
/// weights: it then computes the same bits. Panels of float come back as plain weights, for nn::quantize to lay out.
/// Errors: LoadError when the file is not a valid one, bytes, scales and minima do not belong together, or as
/// nn::load_state_dict.
GLOSS_LAZY void load_quantized(nn::Module<float>& model, const std::string& path) {
  const TensorFile file = load_safetensors(path);
  nn::StateDict state;
  std::vector<std::string> as_bytes, as_bfloat16;
  std::vector<detail::NamedWeight> in_blocks;
  for (const StoredTensor& t : file.tensors()) {
    const bool is_bytes = t.dtype == Dtype::U8;
    const std::string scales = detail::scale_name(t.name);
    const bool is_scale = std::any_of(file.tensors().begin(), file.tensors().end(), [&](const StoredTensor& other) {
      return other.dtype == Dtype::U8 &&
             (detail::scale_name(other.name) == t.name || detail::minimum_name(other.name) == t.name);
    });
    if (is_scale) continue;
    if (is_bytes && file.find(scales) && file.entry(scales).shape.rank() == 2) {
      Index inputs = file.entry(scales).shape[1] * kernels::block_length;  // more than there are, if in part of a block
      detail::with_parameter(model, t.name,
                             [&](const Tensor<float>& p) { inputs = p.dim() == 2 ? p.size(1) : inputs; });
      const Tensor<float> w = detail::blocks_from(file, t.name, inputs), numbers = empty<float>(w.shape());
      for (std::int64_t j = 0; j < w.size(0); ++j)
        gloss::detail::packed_weight(w)->rows_of(1, &j, numbers.data() + j * inputs, 1);
      state.add(t.name, numbers);
      in_blocks.push_back({t.name, w});
    } else if (is_bytes && file.find(scales)) {
      const Tensor<float> x = cast<float>(file.tensor<std::uint8_t>(t.name)), scale = file.tensor<float>(scales);
      if (x.dim() != 2 || scale.shape() != Shape{x.size(0)})
        fail<LoadError>("load_quantized: ", path, ": ", scales, " ", scale.shape(), " has no number for each row of ",
                        t.name, " ", x.shape());
      state.add(t.name, (x - 128.0f) * scale.unsqueeze(1));
      as_bytes.push_back(t.name);
    } else if (t.dtype == Dtype::I64) {
      state.add(t.name, file.tensor<std::int64_t>(t.name));
    } else if (t.dtype == Dtype::BOOL) {
      state.add(t.name, file.tensor<bool>(t.name));
    } else {
      state.add(t.name, file.tensor<float>(t.name));
      if (t.dtype == Dtype::BF16) as_bfloat16.push_back(t.name);
    }
  }
  nn::load_state_dict(model, state);
  detail::quantize_named(model, as_bytes, nn::WeightFormat::int8);
  detail::quantize_named(model, as_bfloat16, nn::WeightFormat::bfloat16);
  detail::replace_named(model, in_blocks);
}

}  // namespace gloss::inline GLOSS_ABI::io
