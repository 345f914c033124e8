// Wider borders
#pragma once

#include <gloss/ops/elementwise.hpp>
#include <gloss/ops/index_select.hpp>

namespace gloss::inline GLOSS_ABI {

enum class PadMode { constant, reflect, replicate, circular };

struct PadOptions {
  PadMode mode = PadMode::constant;
  double value = 0;  // of the border, for PadMode::constant
};

/// x with borders: widths holds (before, after) of the last axis, then of the one before it, and so on. Negative widths
/// crop. reflect mirrors without the edge, replicate repeats the edge, circular goes round what cropping leaves.
/// Shape: [..., n] -> [..., before + n + after]
/// Errors: ShapeError when widths are not pairs or more than there are axes, when an axis becomes negative, or when it
/// is too short to be mirrored, repeated or gone round.
/// Backward: dx = dy without the border; for the other modes, the border's gradient added where it was read.
/// PyTorch: torch.nn.functional.pad
template <Element T>
Tensor<T> pad(const Tensor<T>& x, const std::vector<Index>& widths, PadOptions options = {}) {
  const int pairs = static_cast<int>(widths.size() / 2);
  auto text = [&] { return widths.size() <= max_rank ? Shape(widths.begin(), widths.end()) : Shape{}; };
  if (widths.size() % 2 != 0 || pairs > x.dim())
    fail<ShapeError>("pad: ", widths.size(), " widths ", text(), " are no pairs for the axes of shape ", x.shape());
  auto before = [&](int axis) {
    const auto first = 2 * static_cast<std::size_t>(x.dim() - 1 - axis);
    return first < widths.size() ? widths[first] : 0;
  };
  auto after = [&](int axis) {
    const auto first = 2 * static_cast<std::size_t>(x.dim() - 1 - axis);
    return first < widths.size() ? widths[first + 1] : 0;
  };
  Shape shape = x.shape();
  for (int a = 0; a < x.dim(); ++a) {
    const Index n = shape[a], b = before(a), e = after(a);
    constexpr Index most = Index{1} << 60;
    if ((std::min)(b, e) < -most || (std::max)(b, e) > most) fail<ShapeError>("pad: widths ", text(), " are too large");
    shape[a] += b + e;
    const Index left = n + (std::min)(b, Index{0}) + (std::min)(e, Index{0});
    if (shape[a] < 0 || (left < 0 && options.mode == PadMode::constant))
      fail<ShapeError>("pad: widths ", text(), " leave nothing of axis ", a, " of shape ", x.shape());
    const Index wide = (std::max)(b, e);
    if ((options.mode == PadMode::reflect && wide > 0 && wide >= n) ||
        (options.mode == PadMode::circular && wide > 0 && wide > left) ||
        (options.mode == PadMode::replicate && wide > 0 && n == 0))
      fail<ShapeError>("pad: axis ", a, " of shape ", x.shape(), " is too short for a border of ", wide);
  }
  if (options.mode != PadMode::constant) {
    Tensor<T> y = x;
    for (int a = 0; a < x.dim(); ++a) {
      const Index n = x.shape()[a], b = before(a), first = (std::max)(-b, Index{0});  // that is not cropped
      const Index left = n - first + (std::min)(after(a), Index{0});
      if (b == 0 && after(a) == 0) continue;
      Tensor<std::int64_t> from = empty<std::int64_t>({shape[a]});
      for (Index i = 0; i < shape[a]; ++i) {
        Index p = i - b;
        if (options.mode == PadMode::reflect)
          p = p < 0 ? -p : p >= n ? 2 * (n - 1) - p : p;
        else if (options.mode == PadMode::replicate)
          p = (std::min)((std::max)(p, Index{0}), n - 1);
        else
          p = first + (i - (std::max)(b, Index{0}) + left) % left;
        from.data()[i] = p;
      }
      y = index_select(y, a, from);
    }
    return y.is_same(x) ? x.clone() : y;
  }
  Tensor<T> y = full<T>(shape, static_cast<T>(options.value));
  Tensor<T> to = y, from = x.detach();
  for (int a = 0; a < x.dim(); ++a) {
    const Index b = before(a),
                length = (std::min)(x.shape()[a] + (std::min)(b, Index{0}), shape[a] - (std::max)(b, Index{0}));
    to = to.slice(a, (std::max)(b, Index{0}), (std::max)(b, Index{0}) + (std::max)(length, Index{0}));
    from = from.slice(a, (std::max)(-b, Index{0}), (std::max)(-b, Index{0}) + (std::max)(length, Index{0}));
  }
  to.copy_(from);
  if constexpr (Real<T>) {
    std::vector<Index> back;
    for (Index w : widths) back.push_back(-w);
    return record("pad", y, {x}, [back](const Tensor<T>& dy, Grads& dx) { dx.add(0, pad(dy, back)); });
  }
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
