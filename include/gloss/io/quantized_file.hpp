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
/// The name of the scales of a weight of 8 bits.
inline std::string scale_name(const std::string& weight) { return weight + ".scale"; }

/// Packs the layers whose weights have these names.
GLOSS_LAZY void quantize_named(nn::Module<float>& model, const std::vector<std::string>& names,
                               nn::WeightFormat format) {
  std::vector<Tensor<float>> wanted;
  nn::for_each_tensor(model, [&](const std::string& name, nn::Parameter<float>& p) {
    if (std::find(names.begin(), names.end(), name) != names.end()) wanted.push_back(p);
  });
  nn::QuantizeOptions options{.weights = format};
  bool any = false;
  for (const auto& [path, module] : model.named_modules()) {
    const auto* const linear = dynamic_cast<const nn::Linear<float>*>(module);
    if (!linear) continue;
    const auto is_weight = [weight = Tensor<float>(linear->weight)](const Tensor<float>& x) {
      return x.is_same(weight);
    };
    if (std::any_of(wanted.begin(), wanted.end(), is_weight))
      any = true;
    else
      options.keep.push_back(path);
  }
  if (any) nn::quantize(model, options);
}
}  // namespace detail

/// Saves a model that nn::quantize has packed: a weight of 8 bits as its bytes plus 128 (U8), with the scale of each
/// row under its name and ".scale"; a weight in bfloat16 as it is (BF16); everything else as io::save does. Of tensors
/// that are tied, one is saved.
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
/// weights: it then computes the same bits.
/// Errors: LoadError when the file is not a valid one, bytes and scales do not belong together, or as
/// nn::load_state_dict.
GLOSS_LAZY void load_quantized(nn::Module<float>& model, const std::string& path) {
  const TensorFile file = load_safetensors(path);
  nn::StateDict state;
  std::vector<std::string> as_bytes, as_bfloat16;
  for (const StoredTensor& t : file.tensors()) {
    const bool is_bytes = t.dtype == Dtype::U8;
    const std::string scales = detail::scale_name(t.name);
    const bool is_scale = std::any_of(file.tensors().begin(), file.tensors().end(), [&](const StoredTensor& other) {
      return other.dtype == Dtype::U8 && detail::scale_name(other.name) == t.name;
    });
    if (is_scale) continue;
    if (is_bytes && file.find(scales)) {
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
}

}  // namespace gloss::inline GLOSS_ABI::io
