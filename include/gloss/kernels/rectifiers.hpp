// Rectifiers with parameters, smooth and hard ones, on dense arrays, vectorised, forward beside backward.
#pragma once

#include <gloss/kernels/activation.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {
/// ln(1 + u) for u in [0, 1]: the logarithm of what 1 + u rounds to, and what the rounding has left out.
template <class T>
GLOSS_INLINE Vec<T> log1p_unit(Vec<T> u) {
  const Vec<T> w = u + T(1);
  return log<T>(w) + (u - (w - T(1))) / w;
}
/// e^x - 1 for x <= 0, exact near 0.
template <class T>
GLOSS_INLINE Vec<T> expm1_negative(Vec<T> x) {
  IntVec<T> n;
  const Vec<T> p = expm1_reduced<T>(select<T>(x < T(-40), splat<T>(T(-40)), x), n);
  const Vec<T> scale = exp2_int<T>(n);
  return p * scale + (scale - T(1));
}
/// ln(1 + e^x), without overflow.
template <class T>
GLOSS_INLINE Vec<T> softplus(Vec<T> x) {
  return vmax<T>(x, Vec<T>{}) + log1p_unit<T>(exp<T>(-abs<T>(x)));
}
/// min(max(x, low), high); NaN stays NaN.
template <class T>
GLOSS_INLINE Vec<T> clamp(Vec<T> x, T low, T high) {
  return select<T>(x < low, splat<T>(low), select<T>(x > high, splat<T>(high), x));
}
}  // namespace detail

/// y = x above 0, slope x below.
template <class T>
void leaky_relu_forward(const T* x, T* y, Index n, T slope) {
  detail::map_vectors<T>(x, y, n, [=](Vec<T> v) GLOSS_INLINE_LAMBDA { return select<T>(v > T(0), v, v * slope); });
}
/// dx = dy above 0, slope dy elsewhere.
template <class T>
void leaky_relu_backward(const T* x, const T* dy, T* dx, Index n, T slope) {
  detail::map_vectors<T>(x, dy, dx, n,
                         [=](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA { return select<T>(v > T(0), d, d * slope); });
}

/// y = above x over 0, below (e^(inner x) - 1) elsewhere.
template <class T>
void elu_forward(const T* x, T* y, Index n, T above, T below, T inner) {
  detail::map_vectors<T>(x, y, n, [=](Vec<T> v) GLOSS_INLINE_LAMBDA {
    return select<T>(v > T(0), v * above, detail::expm1_negative<T>(v * inner) * below);
  });
}
/// dx = dy above over 0, dy below inner e^(inner x) elsewhere.
template <class T>
void elu_backward(const T* x, const T* dy, T* dx, Index n, T above, T below, T inner) {
  detail::map_vectors<T>(x, dy, dx, n, [=](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA {
    return select<T>(v > T(0), d * above, d * (below * inner) * exp<T>(v * inner));
  });
}

/// y = ln(1 + e^(beta x)) / beta, x where beta x is above the threshold.
template <class T>
void softplus_forward(const T* x, T* y, Index n, T beta, T threshold) {
  const T inverse = T(1) / beta;
  detail::map_vectors<T>(x, y, n, [=](Vec<T> v) GLOSS_INLINE_LAMBDA {
    return select<T>(v * beta > threshold, v, detail::softplus<T>(v * beta) * inverse);
  });
}
/// dx = dy sigmoid(beta x), dy beyond the threshold.
template <class T>
void softplus_backward(const T* x, const T* dy, T* dx, Index n, T beta, T threshold) {
  detail::map_vectors<T>(x, dy, dx, n, [=](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA {
    return select<T>(v * beta > threshold, d, d * sigmoid<T>(v * beta));
  });
}

/// y = -ln(1 + e^-x).
template <class T>
void log_sigmoid_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA {
    return vmin<T>(v, Vec<T>{}) - detail::log1p_unit<T>(exp<T>(-abs<T>(v)));
  });
}
/// dx = dy sigmoid(-x).
template <class T>
void log_sigmoid_backward(const T* x, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(x, dy, dx, n, [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA { return d * sigmoid<T>(-v); });
}

/// y = x tanh(ln(1 + e^x)) = x w / (w + 2), w = e^x (e^x + 2); x itself from 20 on.
template <class T>
void mish_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA {
    const Vec<T> e = exp<T>(v), w = e * (e + T(2));
    return select<T>(v > T(20), v, v * (w / (w + T(2))));
  });
}
/// dx = dy (t + x (1 - t^2) sigmoid(x)), t = w / (w + 2); the second term is 4 x e^x (1 + e^x) / (w + 2)^2.
template <class T>
void mish_backward(const T* x, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(x, dy, dx, n, [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA {
    const Vec<T> e = exp<T>(v), w = e * (e + T(2)), r = T(1) / (w + T(2));
    return select<T>(v > T(20), d, d * (w * r + v * (T(4) * e * r) * ((e + T(1)) * r)));
  });
}

/// y = min(max(x + 3, 0), 6) / 6.
template <class T>
void hardsigmoid_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(
      x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return detail::clamp<T>(v + T(3), T(0), T(6)) * (T(1) / T(6)); });
}
/// dx = dy / 6 where -3 < x < 3, else 0.
template <class T>
void hardsigmoid_backward(const T* x, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(x, dy, dx, n, [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA {
    return select<T>((v > T(-3)) & (v < T(3)), d * (T(1) / T(6)), Vec<T>{});
  });
}

/// y = x min(max(x + 3, 0), 6) / 6.
template <class T>
void hardswish_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(
      x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return v * detail::clamp<T>(v + T(3), T(0), T(6)) * (T(1) / T(6)); });
}
/// dx = 0 up to -3, dy from 3 on, dy (x / 3 + 1 / 2) between.
template <class T>
void hardswish_backward(const T* x, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(x, dy, dx, n, [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA {
    return select<T>(v <= T(-3), Vec<T>{}, select<T>(v >= T(3), d, d * (v * (T(1) / T(3)) + T(0.5))));
  });
}

/// y = min(max(x, low), high); NaN stays NaN.
template <class T>
void hardtanh_forward(const T* x, T* y, Index n, T low, T high) {
  detail::map_vectors<T>(x, y, n, [=](Vec<T> v) GLOSS_INLINE_LAMBDA { return detail::clamp<T>(v, low, high); });
}
/// dx = 0 at the bounds and beyond, else dy, at NaN too.
template <class T>
void hardtanh_backward(const T* x, const T* dy, T* dx, Index n, T low, T high) {
  detail::map_vectors<T>(x, dy, dx, n, [=](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA {
    return select<T>((v <= low) | (v >= high), Vec<T>{}, d);
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
