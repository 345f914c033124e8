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

namespace detail {

/// How far an axis grows at its ends; negative: what is cropped.
struct Border {
  Index before = 0, after = 0;
};
inline Border border_of(const std::vector<Index>& widths, int axis, int dim) {
  const auto first = 2 * static_cast<std::size_t>(dim - 1 - axis);
  return first < widths.size() ? Border{widths[first], widths[first + 1]} : Border{};
}

/// What becomes of a shape, after the checks.
GLOSS_LAZY Shape padded_shape(const Shape& x, const std::vector<Index>& widths, PadMode mode) {
  const auto text = [&] { return widths.size() <= max_rank ? Shape(widths.begin(), widths.end()) : Shape{}; };
  if (widths.size() % 2 != 0 || static_cast<int>(widths.size() / 2) > x.rank())
    fail<ShapeError>("pad: ", widths.size(), " widths ", text(), " are no pairs for the axes of shape ", x);
  Shape shape = x;
  for (int a = 0; a < x.rank(); ++a) {
    const auto [before, after] = border_of(widths, a, x.rank());
    const Index n = x[a], wide = (std::max)(before, after);
    constexpr Index most = Index{1} << 60;
    if ((std::min)(before, after) < -most || wide > most) fail<ShapeError>("pad: widths ", text(), " are too large");
    shape[a] += before + after;
    const Index left = n + (std::min)(before, Index{0}) + (std::min)(after, Index{0});
    if (shape[a] < 0 || (left < 0 && mode == PadMode::constant))
      fail<ShapeError>("pad: widths ", text(), " leave nothing of axis ", a, " of shape ", x);
    if ((mode == PadMode::reflect && wide > 0 && wide >= n) || (mode == PadMode::circular && wide > 0 && wide > left) ||
        (mode == PadMode::replicate && wide > 0 && n == 0))
      fail<ShapeError>("pad: axis ", a, " of shape ", x, " is too short for a border of ", wide);
  }
  return shape;
}

/// For each position of a padded axis, which of the n positions of x it reads.
GLOSS_LAZY Tensor<std::int64_t> padded_from(Index n, Border border, PadMode mode) {
  const Index before = border.before, first = (std::max)(-before, Index{0});  // that is not cropped
  const Index left = n - first + (std::min)(border.after, Index{0});
  Tensor<std::int64_t> from = empty<std::int64_t>({before + n + border.after});
  for (Index i = 0; i < from.numel(); ++i) {
    Index p = i - before;
    if (mode == PadMode::reflect)
      p = p < 0 ? -p : p >= n ? 2 * (n - 1) - p : p;
    else if (mode == PadMode::replicate)
      p = (std::min)((std::max)(p, Index{0}), n - 1);
    else
      p = first + (i - (std::max)(before, Index{0}) + left) % left;
    from.data()[i] = p;
  }
  return from;
}

/// Copies what two tensors share: `to` without its borders is `from` without what is cropped.
template <class T>
void copy_inside(Tensor<T> to, Tensor<T> from, const std::vector<Index>& widths) {
  for (int a = 0; a < to.dim(); ++a) {
    const Index before = border_of(widths, a, to.dim()).before;
    const Index grown = (std::max)(before, Index{0}), cropped = (std::max)(-before, Index{0});
    const Index length = (std::max)((std::min)(from.size(a) - cropped, to.size(a) - grown), Index{0});
    to = to.slice(a, grown, grown + length);
    from = from.slice(a, cropped, cropped + length);
  }
  to.copy_(from);
}

}  // namespace detail

/// x with borders: widths holds (before, after) of the last axis, then of the one before it, and so on. Negative widths
/// crop. reflect mirrors without the edge, replicate repeats the edge, circular goes round what cropping leaves.
/// Shape: [..., n] -> [..., before + n + after]
/// Errors: ShapeError when widths are not pairs or more than there are axes, when an axis becomes negative, or when it
/// is too short to be mirrored, repeated or gone round.
/// Backward: dx = dy without the border; for the other modes, the border's gradient added where it was read.
/// PyTorch: torch.nn.functional.pad
template <Element T>
Tensor<T> pad(const Tensor<T>& x, const std::vector<Index>& widths, PadOptions options = {}) {
  const Shape shape = detail::padded_shape(x.shape(), widths, options.mode);
  if (options.mode != PadMode::constant) {
    Tensor<T> y = x;
    for (int a = 0; a < x.dim(); ++a) {
      const detail::Border border = detail::border_of(widths, a, x.dim());
      if (border.before != 0 || border.after != 0)
        y = index_select(y, a, detail::padded_from(x.size(a), border, options.mode));
    }
    return y.is_same(x) ? x.clone() : y;
  }
  Tensor<T> y = full<T>(shape, static_cast<T>(options.value));
  detail::copy_inside(y, x.detach(), widths);
  if constexpr (Real<T>) {
    std::vector<Index> back;
    for (Index w : widths) back.push_back(-w);
    return record("pad", y, {x}, [back](const Tensor<T>& dy, Grads& dx) { dx.add(0, pad(dy, back)); });
  }
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
