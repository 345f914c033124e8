// A long text as token ids, and the blocks of it that a causal language model learns from.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/data/dataset.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/tensor/views.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// The files one behind the other as token ids: encode(text) gives those of one file, as a range of integers.
/// Shape: [tokens]
/// Errors: LoadError naming a file that cannot be read; what encode throws.
template <class Encode>
Tensor<std::int64_t> read_tokens(const std::vector<std::string>& paths, const Encode& encode) {
  std::vector<std::int64_t> ids;
  for (const std::string& path : paths) {
    const std::string text = read_file(path);
    for (const auto id : encode(std::string_view(text))) ids.push_back(static_cast<std::int64_t>(id));
  }
  return from_vector(ids);
}

struct TokenBlocksOptions {
  Index context = 256;  ///< tokens that a model sees at once
  Index stride = 0;     ///< tokens from the start of one block to that of the next; 0: context, so that none overlap
};

/// Blocks of context + 1 tokens of a stream: item i is (x, y), where y[t] is the token behind x[t]. What is left at the
/// end and fills no block is not used. With a stride of 1 and RandomSampler's replacement they begin anywhere.
/// Shape: items [context], views of the stream
/// Errors: ShapeError when the stream is not [tokens]; Error when it has no block, context is below 1 or the stride
/// negative; IndexError from get.
class TokenBlocks {
 public:
  GLOSS_COLD explicit TokenBlocks(Tensor<std::int64_t> tokens, TokenBlocksOptions options = {})
      : tokens_(std::move(tokens)), context_(options.context), stride_(options.stride ? options.stride : context_) {
    if (tokens_.dim() != 1) fail<ShapeError>("TokenBlocks: tokens of shape ", tokens_.shape(), ", [tokens] is wanted");
    if (context_ < 1 || stride_ < 1)
      fail("TokenBlocks: context ", context_, " and stride ", stride_, " must be above 0");
    if (tokens_.numel() <= context_)
      fail("TokenBlocks: ", tokens_.numel(), " tokens have no block of ", context_, " and the one behind it");
  }
  Index size() const { return (tokens_.numel() - context_ - 1) / stride_ + 1; }
  std::pair<Tensor<std::int64_t>, Tensor<std::int64_t>> get(Index i) const {
    detail::check_item("TokenBlocks", i, size());
    const Index start = i * stride_;
    return {tokens_.slice(0, start, start + context_), tokens_.slice(0, start + 1, start + context_ + 1)};
  }

 private:
  Tensor<std::int64_t> tokens_;
  Index context_, stride_;
};

}  // namespace gloss::inline GLOSS_ABI::data
