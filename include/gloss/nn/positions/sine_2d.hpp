// DETR's positions of pixels: sines and cosines of the row and of the column, on images with padding.
#pragma once

#include <cmath>

#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct PositionEmbeddingSineOptions {
  double temperature = 10000;
  bool normalize = false;  ///< rows and columns from 0 to `scale` in every image, whatever its size
  double scale = 0;        ///< 0: 2 pi; only with normalize
};

/// The rows of a pixel are counted down its column and the columns along its row, padding left out: r and c, from 1.
/// With normalize r becomes scale r / (number of rows there + 1e-6), and c alike. With w_i =
/// temperature^(-2i/num_pos_feats) channels 2i, 2i + 1 are sin(w_i r), cos(w_i r); then the same of c. The result is
/// added to queries and keys.
/// Shape: mask [batch, height, width], true where there is padding -> [batch, 2 num_pos_feats, height, width]
/// Errors: ShapeError when mask has not three axes or num_pos_feats is not even and positive; Error when temperature is
/// not positive, or for a scale without normalize.
/// Source: Carion et al. 2020, A.4.
/// PyTorch: DETR's PositionEmbeddingSine; transformers' DetrSinePositionEmbedding, whose pixel_mask is the opposite
template <Real T>
struct PositionEmbeddingSine final : Module<T> {
  Index num_pos_feats;
  PositionEmbeddingSineOptions options;

  explicit PositionEmbeddingSine(Index features = 64, PositionEmbeddingSineOptions opts = {})
      : num_pos_feats(features), options(opts) {
    if (features <= 0 || features % 2 != 0)
      fail<ShapeError>("PositionEmbeddingSine: num_pos_feats ", features, " is not even and positive");
    if (!(options.temperature > 0))
      fail("PositionEmbeddingSine: temperature ", options.temperature, " is not positive");
    if (options.scale != 0 && !options.normalize)
      fail("PositionEmbeddingSine: scale ", options.scale, " is for normalize, which is off");
    if (options.scale == 0) options.scale = 2 * 3.14159265358979323846;
  }

  Tensor<T> operator()(const Tensor<bool>& mask) const {
    if (mask.dim() != 3)
      fail<ShapeError>("PositionEmbeddingSine: mask ", mask.shape(), " is not [batch, height, width]");
    const Tensor<bool> padding = mask.contiguous();
    const Index batch = mask.size(0), h = mask.size(1), w = mask.size(2);
    Tensor<T> y = empty<T>({batch, 2 * num_pos_feats, h, w});
    for (Index b = 0; b < batch; ++b) {
      const bool* const hidden = padding.data() + b * h * w;
      T* const out = y.data() + b * 2 * num_pos_feats * h * w;
      // down the columns: neighbours along a row mostly have the same count, and the other way round
      fill(count(hidden, w, 1, h, w), w, 1, h, w, out);
      fill(count(hidden, h, w, w, 1), h, w, w, 1, out + num_pos_feats * h * w);
    }
    return this->output(y);
  }
  void visit(Visitor<T>&) override {}

 private:
  /// Running counts of what is not hidden along each of `lines` lines of n pixels.
  std::vector<double> count(const bool* hidden, Index lines, Index line_step, Index n, Index step) const {
    std::vector<double> counts(static_cast<std::size_t>(lines * n));
    for (Index line = 0; line < lines; ++line) {
      double total = 0;
      for (Index i = 0; i < n; ++i) {
        total += hidden[line * line_step + i * step] ? 0 : 1;
        counts[static_cast<std::size_t>(line * n + i)] = total;
      }
      for (Index i = 0; options.normalize && i < n; ++i) {
        double& c = counts[static_cast<std::size_t>(line * n + i)];
        c = c / (total + 1e-6) * options.scale;
      }
    }
    return counts;
  }
  /// The channels of these counts; where a line counts as the one before it does, its numbers are copied.
  void fill(const std::vector<double>& counts, Index lines, Index line_step, Index n, Index step, T* out) const {
    for (Index f = 0; f < num_pos_feats; ++f, out += lines * n) {
      const double exponent = static_cast<double>(f / 2 * 2) / static_cast<double>(num_pos_feats);
      const double rate = std::pow(options.temperature, -exponent);
      for (Index line = 0; line < lines; ++line)
        for (Index i = 0; i < n; ++i) {
          const std::size_t at = static_cast<std::size_t>(line * n + i);
          T& y = out[line * line_step + i * step];
          if (line > 0 && counts[at] == counts[at - static_cast<std::size_t>(n)])
            y = (&y)[-line_step];
          else
            y = static_cast<T>(f % 2 == 0 ? std::sin(counts[at] * rate) : std::cos(counts[at] * rate));
        }
    }
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
