// Gradients of convolutions whose windows stand side by side, as in a patch embedding: x is sorted by windows, a matrix
// for each image, and the rest are matrix products.
#pragma once

#include <cstring>

#include <gloss/kernels/conv/pointwise.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

inline bool suits_patches(const Conv& c) {
  const auto tiled = [](const Window& a) { return a.kernel == a.stride && a.dilation == 1 && a.is_inside(); };
  return tiled(c.h) && tiled(c.w) && c.w.kernel >= 4 && c.places() >= 32;  // else rows are too short
}
inline Index patches_scratch(const Conv& c) { return c.batch * c.groups * c.places() * c.depth(); }

/// Calls f(where in x, where among the patches) for each row of cells of each window; the patches are
/// [batch, groups, places, depth].
template <class F>
void each_patch_row(const Conv& c, const F& f) {
  const Index rows = c.h.out * c.h.kernel;  // of a channel that windows cover
  parallel_for(c.batch * c.groups * c.ins * rows, 16384 / (c.w.out * c.w.kernel) + 1, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Index ih = r % rows, channel = r / rows;
      const Index oh = ih / c.h.kernel, kh = ih % c.h.kernel;
      const Index x = channel * c.cells() + ih * c.w.in;
      const Index patch =
          (channel / c.ins * c.places() + oh * c.w.out) * c.depth() + (channel % c.ins * c.h.kernel + kh) * c.w.kernel;
      for (Index ow = 0; ow < c.w.out; ++ow) f(x + ow * c.w.kernel, patch + ow * c.depth());
    }
  });
}

template <class T>
void patches_input_gradient(const Conv& c, const T* dy, const T* weight, T* dx, T* patches) {
  const Index places = c.places(), depth = c.depth();
  gemm_images(c.batch * c.groups, true, false, places, depth, c.outs, places, depth, T(0), depth,
              [=, &c](Index e, const T*& a, const T*& b, T*& y) {
                a = dy + e * c.outs * places;
                b = weight + e % c.groups * c.outs * depth;
                y = patches + e * places * depth;
              });
  if (c.h.out * c.h.kernel < c.h.in || c.w.out * c.w.kernel < c.w.in)
    std::memset(dx, 0, static_cast<std::size_t>(c.batch * c.x_image()) * sizeof(T));
  each_patch_row(c, [=, n = c.w.kernel](Index x, Index patch) {
    for (Index k = 0; k < n; ++k) dx[x + k] = patches[patch + k];
  });
}

/// Each group's images are summed in order.
template <class T>
void patches_weight_gradient(const Conv& c, const T* x, const T* dy, T* dweight, T* patches) {
  each_patch_row(c, [=, n = c.w.kernel](Index cells, Index patch) {
    for (Index k = 0; k < n; ++k) patches[patch + k] = x[cells + k];
  });
  const Index places = c.places(), depth = c.depth();
  constexpr Index most = 64;
  Factors<T> factors[most];
  for (Index g = 0; g < c.groups; ++g)
    for (Index done = 0, count; done < c.batch; done += count) {
      count = c.batch - done < most ? c.batch - done : most;
      for (Index e = 0; e < count; ++e) {
        const Index at = (done + e) * c.groups + g;
        factors[e] = {dy + at * c.outs * places, patches + at * places * depth, dweight + g * c.outs * depth,
                      done + e > 0 ? T(1) : T(0)};
      }
      gemm_several(false, false, c.outs, depth, places, places, depth, depth, static_cast<const Factors<T>*>(factors),
                   count);
    }
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::kernels
