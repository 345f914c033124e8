// Activations and exp, log on dense arrays, vectorised, forward beside backward. Backward takes x or y, as named.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/math.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {
/// y_i = f(x_i) by vectors.
template <class T, class F>
void map_vectors(const T* x, T* y, Index n, F f) {
  parallel_for(n, 8192, [=](Index begin, Index end) {
    each_vector<T>(end - begin, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
      store_n<T>(y + begin + i, f(load_n<T>(x + begin + i, m)), m);
    });
  });
}
/// y_i = f(a_i, b_i) by vectors.
template <class T, class F>
void map_vectors(const T* a, const T* b, T* y, Index n, F f) {
  parallel_for(n, 8192, [=](Index begin, Index end) {
    each_vector<T>(end - begin, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
      const Index i = begin + j;
      store_n<T>(y + i, f(load_n<T>(a + i, m), load_n<T>(b + i, m)), m);
    });
  });
}

inline constexpr double inverse_root2 = 0.70710678118654752440;    // 1 / sqrt(2)
inline constexpr double inverse_root2pi = 0.39894228040143267794;  // 1 / sqrt(2 pi)
inline constexpr double gelu_beta = 0.79788456080286535588;        // sqrt(2 / pi)
inline constexpr double gelu_cubic = 0.044715;

/// The normal distribution function F(x) = (1 + erf(x / sqrt 2)) / 2, within 2.5e-7: in float 1/2 + x P(x^2) / Q(x^2)
/// up to 5.5, fitted for gloss, and 0 or 1 beyond; in double by erf, which e = exp(-x^2 / 2) helps.
template <class T>
GLOSS_INLINE Vec<T> normal_cdf(Vec<T> x, [[maybe_unused]] Vec<T> e) {
  if constexpr (std::is_same_v<T, float>) {
    const Vec<T> u = x * x;
    const Vec<T> p = polynomial<T>(u, 0.39894223557, 0.033844764745, 0.0046766953233, 0.00016873411752, 6.3504608315e-6,
                                   2.2749204235e-8);
    const Vec<T> q =
        polynomial<T>(u, 1.0, 0.25150217502, 0.028641145436, 0.0018839337337, 7.3612668301e-5, 1.1973759487e-6);
    const Vec<T> f = x * p / q + T(0.5);
    return select<T>(x < T(-5.5), Vec<T>{}, select<T>(x > T(5.5), splat<T>(T(1)), f));
  } else {
    return (erf_with_exp<T>(x * static_cast<T>(inverse_root2), e) + T(1)) * T(0.5);
  }
}
/// exp(-x^2 / 2); in float 2^n times a polynomial, the exponent rounded as x^2 is, 0 where the result is not normal.
template <class T>
GLOSS_INLINE Vec<T> gaussian(Vec<T> x) {
  if constexpr (std::is_same_v<T, float>) {
    constexpr T c = -0.72134752044f, magic = FloatFormat<T>::round_magic;  // c = -1 / (2 ln 2)
    const Vec<T> u = x * x, shifted = u * c + magic, r = u * c - (shifted - magic);
    const Vec<T> p =
        polynomial<T>(r, 1.000000072, 0.6931469664, 0.2402211914, 0.05550713926, 0.009675556896, 0.001327631074);
    const IntVec<T> n = shift_left<IntOf<T>, FloatFormat<T>::mantissa>(bit_cast_to<IntOf<T>>(shifted));
    return select<T>(u < T(174), bit_cast_to<T>(wrapping_add<T>(bit_cast_to<IntOf<T>>(p), n)), Vec<T>{});
  } else {
    return exp<T>(x * x * T(-0.5));
  }
}

template <class T>
GLOSS_INLINE Vec<T> gelu(Vec<T> x) {
  if constexpr (std::is_same_v<T, float>)
    return x * normal_cdf<T>(x, x);
  else
    return x * normal_cdf<T>(x, gaussian<T>(x));
}
template <class T>
GLOSS_INLINE Vec<T> gelu_slope(Vec<T> x) {
  const Vec<T> e = gaussian<T>(x);
  return normal_cdf<T>(x, e) + x * e * static_cast<T>(inverse_root2pi);
}
template <class T>
GLOSS_INLINE Vec<T> gelu_tanh(Vec<T> x) {
  const Vec<T> u = x * static_cast<T>(gelu_beta) * (x * x * static_cast<T>(gelu_cubic) + T(1));
  return x * T(0.5) * (tanh<T>(u) + T(1));
}
template <class T>
GLOSS_INLINE Vec<T> gelu_tanh_slope(Vec<T> x) {
  const Vec<T> c = x * x * static_cast<T>(gelu_cubic);
  const Vec<T> t = tanh<T>(x * static_cast<T>(gelu_beta) * (c + T(1)));
  const Vec<T> du = (c * T(3) + T(1)) * static_cast<T>(gelu_beta);
  return T(0.5) * (t + T(1) + x * (T(1) - t * t) * du);
}
}  // namespace detail

/// y = e^x.
template <class T>
void exp_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return exp<T>(v); });
}
/// y = ln x.
template <class T>
void log_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return log<T>(v); });
}

/// y = tanh x.
template <class T>
void tanh_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return tanh<T>(v); });
}
/// dx = dy (1 - y^2).
template <class T>
void tanh_backward(const T* y, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(y, dy, dx, n, [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA { return d * (T(1) - v * v); });
}

/// y = 1 / (1 + e^-x).
template <class T>
void sigmoid_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return sigmoid<T>(v); });
}
/// dx = dy y (1 - y).
template <class T>
void sigmoid_backward(const T* y, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(y, dy, dx, n, [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA { return d * v * (T(1) - v); });
}

/// y = max(x, 0); NaN stays NaN.
template <class T>
void relu_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return select<T>(v < T(0), Vec<T>{}, v); });
}
/// dx = 0 where y <= 0, else dy, at NaN too.
template <class T>
void relu_backward(const T* y, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(y, dy, dx, n,
                         [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA { return select<T>(v <= T(0), Vec<T>{}, d); });
}

/// y = x sigmoid(x).
template <class T>
void silu_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return v * sigmoid<T>(v); });
}
/// dx = dy s (1 + x (1 - s)), s = sigmoid(x).
template <class T>
void silu_backward(const T* x, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(x, dy, dx, n, [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA {
    const Vec<T> s = sigmoid<T>(v);
    return d * s * (v * (T(1) - s) + T(1));
  });
}

/// y = x F(x), F the normal distribution: (1 + erf(x / sqrt 2)) / 2.
template <class T>
void gelu_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return detail::gelu<T>(v); });
}
/// dx = dy (F(x) + x F'(x)), F'(x) = e^(-x^2 / 2) / sqrt(2 pi).
template <class T>
void gelu_backward(const T* x, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(x, dy, dx, n,
                         [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA { return d * detail::gelu_slope<T>(v); });
}

/// y = x (1 + tanh u) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3).
template <class T>
void gelu_tanh_forward(const T* x, T* y, Index n) {
  detail::map_vectors<T>(x, y, n, [](Vec<T> v) GLOSS_INLINE_LAMBDA { return detail::gelu_tanh<T>(v); });
}
/// dx = dy ((1 + t) + x (1 - t^2) du/dx) / 2, t = tanh u.
template <class T>
void gelu_tanh_backward(const T* x, const T* dy, T* dx, Index n) {
  detail::map_vectors<T>(x, dy, dx, n,
                         [](Vec<T> v, Vec<T> d) GLOSS_INLINE_LAMBDA { return d * detail::gelu_tanh_slope<T>(v); });
}

#define GLOSS_ACTIVATION(name)                                                              \
  GLOSS_INSTANTIATE(void name##_forward<float>(const float*, float*, Index))                \
  GLOSS_INSTANTIATE(void name##_forward<double>(const double*, double*, Index))             \
  GLOSS_INSTANTIATE(void name##_backward<float>(const float*, const float*, float*, Index)) \
  GLOSS_INSTANTIATE(void name##_backward<double>(const double*, const double*, double*, Index))
GLOSS_INSTANTIATE(void exp_forward<float>(const float*, float*, Index))
GLOSS_INSTANTIATE(void exp_forward<double>(const double*, double*, Index))
GLOSS_INSTANTIATE(void log_forward<float>(const float*, float*, Index))
GLOSS_INSTANTIATE(void log_forward<double>(const double*, double*, Index))
GLOSS_ACTIVATION(tanh)
GLOSS_ACTIVATION(sigmoid)
GLOSS_ACTIVATION(relu)
GLOSS_ACTIVATION(silu)
GLOSS_ACTIVATION(gelu)
GLOSS_ACTIVATION(gelu_tanh)
#undef GLOSS_ACTIVATION

}  // namespace gloss::inline GLOSS_ABI::kernels
