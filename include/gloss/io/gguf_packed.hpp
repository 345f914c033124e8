// Models that compute with the blocks of a GGUF file as they are.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/gguf_blocks.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/nn/quantize.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {

/// Block types whose numbers go into the blocks of packed weights as they are.
struct PackedBlocks {
  std::string_view name;
  kernels::BlockWeights form;
  kernels::Block (*part)(const char* row, Index number);
};
template <class Blocks, int bits>
kernels::Block packed_part(const char* row, Index number) {
  constexpr int middle = Blocks::has_minimum ? 0 : 1 << (bits - 1);
  const char* const stored = row + number / Blocks::parts * Blocks::bytes;
  const int part = static_cast<int>(number % Blocks::parts);
  const GgufScale both = Blocks::scale(stored, part);
  kernels::Block block{.scale = both.scale, .minimum = both.minimum};
  Blocks::codes(stored, part,
                [&](int i, int code) { block.codes[i] = static_cast<std::uint8_t>(code - Blocks::middle + middle); });
  return block;
}
template <class Blocks, int bits>
constexpr PackedBlocks packed_blocks(std::string_view name) {
  const bool has_halves = Blocks::parts == 1;  // those of parts are products
  return {
      name, {.bits = bits, .has_minimum = Blocks::has_minimum, .has_halves = has_halves}, packed_part<Blocks, bits>};
}
inline constexpr PackedBlocks all_packed_blocks[] = {packed_blocks<Blocks32<false, false>, 4>("Q4_0"),
                                                     packed_blocks<Blocks32<false, true>, 4>("Q4_1"),
                                                     packed_blocks<Blocks32<true, false>, 8>("Q5_0"),
                                                     packed_blocks<Blocks32<true, true>, 8>("Q5_1"),
                                                     packed_blocks<BlocksQ8, 8>("Q8_0"),
                                                     packed_blocks<Blocks256<false>, 4>("Q4_K"),
                                                     packed_blocks<Blocks256<true>, 8>("Q5_K")};

/// How a tensor's blocks are packed, or null.
inline const PackedBlocks* packed_blocks_of(const StoredTensor& t) {
  if (!t.blocks || t.strides.rank() > 0 || t.shape.rank() != 2) return nullptr;
  for (const PackedBlocks& kind : all_packed_blocks)
    if (kind.name == t.blocks->name) return &kind;
  return nullptr;
}

struct SameRow {
  Index operator()(const std::string&, Index j) const { return j; }
};

}  // namespace detail

/// Makes a model that has been loaded from a file of these keys one for inference whose linear layers and embeddings
/// keep the file's blocks, as nn::quantize describes it, where they are of Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K or Q5_K:
/// numbers of 4 bits stay so, those of 5 take 8; scales and minima are float16, but float for the types with K. Weights
/// in other types stay float, and nn::quantize may pack them afterwards. stored_row(name, j) is where row j of a
/// parameter stands in its tensor.
/// Errors: Error when the file has no such weight of the model.
template <class F = detail::SameRow>
GLOSS_COLD nn::QuantizeReport keep_blocks(nn::Module<float>& model, const TensorFile& file, const KeyMap& keys = {},
                                          const F& stored_row = {}) {
  const std::vector<detail::FileSource> sources = detail::find_sources(file, {.keys = keys});
  std::vector<nn::detail::Replacement> replaced;
  nn::QuantizeReport report;
  for (const auto& entry : model.named_modules()) {
    const auto* const linear = dynamic_cast<const nn::Linear<float>*>(entry.second);
    const auto* const table = dynamic_cast<const nn::Embedding<float>*>(entry.second);
    if (!linear && !table) continue;
    const Tensor<float> weight = linear ? linear->weight : table->weight;
    const std::string name = entry.first.empty() ? "weight" : entry.first + ".weight";
    const auto source =
        std::find_if(sources.begin(), sources.end(), [&](const detail::FileSource& s) { return s.ours == name; });
    if (source == sources.end() || source->parts.size() != 1 || source->shape != weight.shape()) continue;
    const StoredTensor& stored = source->parts[0];
    const detail::PackedBlocks* const kind = detail::packed_blocks_of(stored);
    const auto is_weight = [&](const nn::detail::Replacement& r) { return r.before.is_same(weight); };
    if (!kind || weight.numel() == 0 || std::any_of(replaced.begin(), replaced.end(), is_weight)) continue;
    kernels::BlockWeights form = kind->form;
    form.n = weight.size(0), form.k = weight.size(1);
    const Index row_bytes = form.k / stored.blocks->elements * stored.blocks->bytes;
    const auto block = [&](Index j, Index b) {
      return kind->part(stored.bytes.data() + stored_row(name, j) * row_bytes, b);
    };
    const Tensor<float> packed =
        nn::detail::packed_tensor(form, [&](const kernels::BlockWeights& to) { kernels::pack_blocks(to, block); });
    replaced.push_back({weight, packed});
    report.weights.push_back({name, weight.shape(), 0, 0, static_cast<std::size_t>(form.bytes())});
  }
  if (replaced.empty()) fail("keep_blocks: ", file.file(), " has no weight of the model in blocks that are kept");
  nn::detail::replace_weights(model, replaced, report);
  return report;
}

}  // namespace gloss::inline GLOSS_ABI::io
