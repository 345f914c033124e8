// Rotary positions: pairs of elements turned by angles
#pragma once

#include <algorithm>

#include <gloss/core/sort.hpp>
#include <gloss/kernels/rotary.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

struct RotaryOptions {
  bool interleaved = false;  // pairs (2i, 2i + 1), as the paper and GPT-J have them; else (i, i + r/2), GPT-NeoX, Llama
};

namespace detail {

/// Uninitialised memory of x's shape without gaps, whose axes lie in memory in the order of x's: what comes from a view
/// of a projection goes back to it without a copy.
template <class T>
Tensor<T> empty_in_order_of(const Tensor<T>& x) {
  const Shape strides = x.strides();
  const auto is_outer = [&](std::size_t a, std::size_t b) {
    return strides[static_cast<int>(a)] > strides[static_cast<int>(b)];
  };
  Shape sizes, back = x.shape();
  for (const std::size_t axis : gloss::sorted_order(static_cast<std::size_t>(x.dim()), is_outer)) {
    back[static_cast<int>(axis)] = sizes.rank();
    sizes.push_back(x.shape()[static_cast<int>(axis)]);
  }
  return empty<T>(sizes).permute(back);
}

/// rotary by sign times the angles, after its checks; cosine and sine have x's leading axes.
template <class T>
Tensor<T> rotate(const Tensor<T>& x, const Tensor<T>& cosine, const Tensor<T>& sine, bool interleaved, T sign) {
  ProfileScope scope("rotary");
  const Index width = x.size(-1), pairs = cosine.size(-1), rest = width - 2 * pairs;
  Tensor<T> in = x.detach();
  if (in.strides()[in.dim() - 1] != 1 && width > 1) in = in.contiguous();
  Tensor<T> y = empty_in_order_of(in);
  if (y.strides()[y.dim() - 1] != 1 && width > 1) y = empty<T>(in.shape());
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const auto rows = [](const Shape& s) { return Shape(s.begin(), s.end() - 1); };
  const auto loop =
      kernels::make_loop<3>(rows(x.shape()), {rows(y.strides()), rows(in.strides()), rows(cosine.strides())});
  kernels::for_each_row(
      loop,
      [&, to = y.data(), from = in.data(), c = cosine.data(), s = sine.data()](const Index* offsets, Index n) {
        for (Index r = 0; r < n; ++r) {
          const T* const row = from + offsets[1] + r * loop.inner_stride(1);
          T* const out = to + offsets[0] + r * loop.inner_stride(0);
          const Index angles = offsets[2] + r * loop.inner_stride(2);
          kernels::rotate_pairs<T>(row, c + angles, s + angles, out, pairs, interleaved, sign);
          if (rest > 0) std::copy(row + 2 * pairs, row + width, out + 2 * pairs);
        }
      },
      16384 / (width + 1) + 1);
  return record("rotary", y, {x}, [cosine, sine, interleaved, sign](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, rotate(dy, cosine, sine, interleaved, -sign));
  });
}

}  // namespace detail

/// Turns the first r elements of each row, taken as r/2 pairs (a, b), by an angle each: y_a = cos x_a - sin x_b, y_b =
/// cos x_b + sin x_a; the others pass. With angles that grow with the position, the product of a query and a key
/// depends on how far apart they are. nn::RotaryEmbedding has the tables of cosines and sines.
/// Shape: x [..., n, d], cosine and sine [..., n, r/2], equal and stretching to x's leading axes; r <= d -> as x
/// Errors: ShapeError when they do not fit; GradError for a cosine or sine that wants a gradient.
/// Backward: dx = dy turned back; cosine and sine are saved.
/// Source: Su et al. 2021, 3.2.2 and eq. 34.
/// PyTorch: transformers' apply_rotary_pos_emb of Llama, or of GPT-J if interleaved
template <Real T>
Tensor<T> rotary(const Tensor<T>& x, const Tensor<T>& cosine, const Tensor<T>& sine, RotaryOptions options = {}) {
  const int dim = x.dim(), extra = dim - cosine.dim();
  bool fits = dim >= 1 && cosine.dim() >= 1 && extra >= 0 && cosine.shape() == sine.shape() &&
              2 * cosine.size(-1) <= x.size(-1);
  for (int a = 0; fits && a < cosine.dim() - 1; ++a)
    fits = cosine.shape()[a] == 1 || cosine.shape()[a] == x.shape()[a + extra];
  if (!fits)
    fail<ShapeError>("rotary: x ", x.shape(), ", cosine ", cosine.shape(), " and sine ", sine.shape(), " do not fit");
  if (is_grad_enabled() && (cosine.requires_grad() || sine.requires_grad()))
    fail<GradError>("rotary: cosine and sine have no gradient");
  Shape angles = x.shape();
  angles[dim - 1] = cosine.size(-1);
  return detail::rotate(x, cosine.detach().contiguous().expand(angles), sine.detach().contiguous().expand(angles),
                        options.interleaved, T{1});
}

}  // namespace gloss::inline GLOSS_ABI
