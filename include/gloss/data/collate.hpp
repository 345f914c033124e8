// Lists of token ids to the padded matrix that a model reads.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <gloss/tensor/factories.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// The sequences at these positions of the list, filled up with `pad` to the longest of them.
/// Shape: [indices, longest]; without sequences [0, 0].
/// Errors: IndexError for a position outside the list.
/// AT: collate_batch
GLOSS_LAZY Tensor<std::int64_t> pad_sequences(const std::vector<std::vector<Index>>& sequences,
                                              std::span<const Index> indices, Index pad) {
  std::size_t longest = 0;
  for (const Index i : indices) {
    if (i < 0 || i >= static_cast<Index>(sequences.size()))
      fail<IndexError>("pad_sequences: position ", i, " is out of range for ", sequences.size(), " sequences");
    longest = (std::max)(longest, sequences[static_cast<std::size_t>(i)].size());
  }
  Tensor<std::int64_t> ids = full<std::int64_t>({static_cast<Index>(indices.size()), static_cast<Index>(longest)}, pad);
  for (std::size_t row = 0; row < indices.size(); ++row) {
    const auto& sequence = sequences[static_cast<std::size_t>(indices[row])];
    std::copy(sequence.begin(), sequence.end(), ids.data() + row * longest);
  }
  return ids;
}
GLOSS_INSTANTIATE(Tensor<std::int64_t> pad_sequences(const std::vector<std::vector<Index>>&, std::span<const Index>,
                                                     Index))

}  // namespace gloss::inline GLOSS_ABI::data
