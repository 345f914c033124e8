// What a convolution is, as plain loops: the reference for the fast kernels, and what compilers without vector types
// get.
#pragma once

#include <gloss/kernels/window.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// A convolution's sizes. Channels are counted per group.
/// Shape: x [batch, groups * ins, h.in, w.in], weight [groups * outs, ins, h.kernel, w.kernel],
/// y [batch, groups * outs, h.out, w.out].
struct Conv {
  Index batch = 1, groups = 1, ins = 1, outs = 1;
  Window h, w;

  Index taps() const { return h.kernel * w.kernel; }
  Index depth() const { return ins * taps(); }    // products per element of y
  Index places() const { return h.out * w.out; }  // of an image of y
  Index cells() const { return h.in * w.in; }     // of an image of x
  Index x_image() const { return groups * ins * cells(); }
  Index y_image() const { return groups * outs * places(); }
  Index weights() const { return groups * outs * depth(); }
  /// Whether a place of y depends on one cell of each channel, so that an image is a matrix.
  bool is_pointwise() const {
    const auto one = [](const Window& a) { return a.kernel == 1 && a.stride == 1 && a.before == 0 && a.out == a.in; };
    return one(h) && one(w);
  }
  bool is_depthwise() const { return ins == 1 && outs < 6 && groups > 1; }

  /// With stride 1, dx is a convolution of dy: with this one's sizes and every group's weight transposed and turned.
  Conv turned() const {
    const auto back = [](const Window& a) {
      return Window{a.out, a.in, a.kernel, 1, (a.kernel - 1) * a.dilation - a.before, a.dilation};
    };
    return {batch, groups, outs, ins, back(h), back(w)};
  }
};

/// Calls f(index into x, index into weight, index into y) for every product of a convolution.
template <class F>
void conv_naive(const Conv& c, const F& f) {
  for (Index n = 0; n < c.batch; ++n)
    for (Index o = 0; o < c.groups * c.outs; ++o)
      for (Index oh = 0; oh < c.h.out; ++oh)
        for (Index ow = 0; ow < c.w.out; ++ow)
          for (Index i = 0; i < c.ins; ++i)
            for (Index kh = 0; kh < c.h.kernel; ++kh)
              for (Index kw = 0; kw < c.w.kernel; ++kw) {
                const Index ih = oh * c.h.stride - c.h.before + kh * c.h.dilation;
                const Index iw = ow * c.w.stride - c.w.before + kw * c.w.dilation;
                if (ih < 0 || ih >= c.h.in || iw < 0 || iw >= c.w.in) continue;
                f(((n * c.groups + o / c.outs) * c.ins + i) * c.cells() + ih * c.w.in + iw,
                  ((o * c.ins + i) * c.h.kernel + kh) * c.w.kernel + kw,
                  (n * c.groups * c.outs + o) * c.places() + oh * c.w.out + ow);
              }
}

}  // namespace gloss::inline GLOSS_ABI::kernels
