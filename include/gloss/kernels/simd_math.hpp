// exp, log, tanh, erf on whole vectors: branch-free, a few ulp in float and close to one in double.
// The polynomials were fitted for gloss by weighted least squares (Lawson's iteration) in 50 digits.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include <gloss/kernels/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// c0 + x (c1 + x (c2 + ...)).
template <class T, class... C>
GLOSS_INLINE Vec<T> polynomial(Vec<T> x, double c0, C... rest) {
  if constexpr (sizeof...(rest) == 0)
    return splat<T>(static_cast<T>(c0));
  else
    return polynomial<T>(x, rest...) * x + static_cast<T>(c0);
}

namespace detail {

template <class T>
struct FloatFormat;
template <>
struct FloatFormat<float> {
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float round_magic = 0x1.8p23f;  // adding it rounds to an integer, which then sits in the low bits
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 1.42860682030941723e-6f;
  static constexpr float exp_min = -87.336544f, exp_max = 88.7228317f;  // beyond: 0 and infinity
  static constexpr std::int32_t sqrt_half_bits = 0x3f3504f3;
};
template <>
struct FloatFormat<double> {
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double round_magic = 0x1.8p52;
  static constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 1.90821492927058770e-10;
  static constexpr double exp_min = -708.39641853226408, exp_max = 709.78271289338397;
  static constexpr std::int64_t sqrt_half_bits = 0x3fe6a09e667f3bcd;
};

/// a + b and a - b that wrap around: what lanes beyond the range do before their result is replaced.
template <class T>
GLOSS_INLINE IntVec<T> wrapping_add(IntVec<T> a, IntVec<T> b) {
  using U = std::make_unsigned_t<IntOf<T>>;
  return bit_cast_to<IntOf<T>>(bit_cast_to<U>(a) + bit_cast_to<U>(b));
}
template <class T>
GLOSS_INLINE IntVec<T> wrapping_sub(IntVec<T> a, IntVec<T> b) {
  using U = std::make_unsigned_t<IntOf<T>>;
  return bit_cast_to<IntOf<T>>(bit_cast_to<U>(a) - bit_cast_to<U>(b));
}

/// x = n ln 2 + r with |r| <= ln 2 / 2; returns exp(r) - 1 and gives n. Of use for x in [exp_min, exp_max].
template <class T>
GLOSS_INLINE Vec<T> expm1_reduced(Vec<T> x, IntVec<T>& n) {
  using F = FloatFormat<T>;
  const Vec<T> shifted = x * T(1.44269504088896340736) + F::round_magic;
  const Vec<T> nf = shifted - F::round_magic;
  n = wrapping_sub<T>(bit_cast_to<IntOf<T>>(shifted), bit_cast_to<IntOf<T>>(splat<T>(F::round_magic)));
  const Vec<T> r = (x - nf * F::ln2_high) - nf * F::ln2_low;
  if constexpr (std::is_same_v<T, float>)
    return r + r * r *
                   polynomial<T>(r, 0.5000000079, 0.1666666682, 0.04166626758, 0.008333272441, 0.001394620176,
                                 0.0001991413411);
  else
    return r + r * r *
                   polynomial<T>(r, 0.49999999999999999966, 0.1666666666666668386, 0.041666666666666724148,
                                 0.0083333333333167291731, 0.0013888888888858614809, 0.00019841269897078507544,
                                 0.000024801587373412702846, 2.7557234219921591675e-6, 2.755723363002233858e-7,
                                 2.5112245030745991407e-8, 2.0926862572793570509e-9);
}

/// 2^n for n within the exponents of normal numbers.
template <class T>
GLOSS_INLINE Vec<T> exp2_int(IntVec<T> n) {
  using F = FloatFormat<T>;
  return bit_cast_to<T>(wrapping_add<T>(n, splat<IntOf<T>>(F::bias)) << IntOf<T>{F::mantissa});
}

}  // namespace detail

/// e^x; infinity beyond the range, and 0 where the result would be subnormal (arithmetic on those is slow).
template <class T>
GLOSS_INLINE Vec<T> exp(Vec<T> x) {
  using F = detail::FloatFormat<T>;
  using I = IntOf<T>;
  IntVec<T> n;
  const Vec<T> p = detail::expm1_reduced<T>(x, n);
  // times 2^n, also where 2^n is too large
  Vec<T> y = bit_cast_to<T>(detail::wrapping_add<T>(bit_cast_to<I>(p + T(1)), n << I{F::mantissa}));
  y = select<T>(x < F::exp_min, Vec<T>{}, y);
  return select<T>(x <= F::exp_max, y, x + std::numeric_limits<T>::infinity());  // a NaN stays one
}

/// ln x; -infinity at 0, NaN below.
template <class T>
GLOSS_INLINE Vec<T> log(Vec<T> x) {
  using F = detail::FloatFormat<T>;
  using I = IntOf<T>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const IntVec<T> tiny = x < (std::numeric_limits<T>::min)();
  const Vec<T> scaled = select<T>(tiny, x * static_cast<T>(I{1} << F::mantissa), x);
  const IntVec<T> bits = bit_cast_to<I>(scaled);
  IntVec<T> e = detail::wrapping_sub<T>(bits, splat<I>(F::sqrt_half_bits)) >> I{F::mantissa};
  const Vec<T> f =
      bit_cast_to<T>(detail::wrapping_sub<T>(bits, e << I{F::mantissa})) - T(1);  // in [sqrt(1/2) - 1, sqrt(2) - 1]
  e = e + (tiny & I{-F::mantissa});
  const Vec<T> ef = convert_to<T>(e);
  const Vec<T> s = f / (f + T(2));  // log(1 + f) = 2 atanh(s) = f - s (f - z R(z)), z = s^2
  const Vec<T> z = s * s;
  Vec<T> zr;
  if constexpr (std::is_same_v<T, float>)
    zr = z * polynomial<T>(z, 0.6666666564, 0.400003363, 0.2853723427, 0.2358363529);
  else
    zr = z * polynomial<T>(z, 0.66666666666666660921, 0.4000000000000629498, 0.28571428569071035835,
                           0.22222222648984655731, 0.18181775492855703635, 0.15387098238892992248,
                           0.13249950421442757522, 0.13252848608082400596);
  Vec<T> y = ef * F::ln2_high + (f - (s * (f - zr) - ef * F::ln2_low));
  y = select<T>(x > T(0), y, select<T>(x == T(0), splat<T>(-infinity), splat<T>(std::numeric_limits<T>::quiet_NaN())));
  return select<T>(x == infinity, x, y);
}

/// |x|.
template <class T>
GLOSS_INLINE Vec<T> abs(Vec<T> x) {
  return bit_cast_to<T>(bit_cast_to<IntOf<T>>(x) & (std::numeric_limits<IntOf<T>>::max)());
}
/// Square root, correctly rounded.
template <class T>
GLOSS_INLINE Vec<T> sqrt(Vec<T> x) {
#if defined(__GNUC__) && GLOSS_VECTOR_BYTES == 64 && defined(__AVX512F__)
#if defined(__clang__)
  if constexpr (sizeof(T) == 4) return __builtin_ia32_sqrtps512(x, 4);
  if constexpr (sizeof(T) == 8) return __builtin_ia32_sqrtpd512(x, 4);
#else
  if constexpr (sizeof(T) == 4) return __builtin_ia32_sqrtps512_mask(x, x, static_cast<unsigned short>(-1), 4);
  if constexpr (sizeof(T) == 8) return __builtin_ia32_sqrtpd512_mask(x, x, static_cast<unsigned char>(-1), 4);
#endif
#elif defined(__GNUC__) && GLOSS_VECTOR_BYTES == 32 && defined(__AVX__)
  if constexpr (sizeof(T) == 4) return __builtin_ia32_sqrtps256(x);
  if constexpr (sizeof(T) == 8) return __builtin_ia32_sqrtpd256(x);
#elif defined(__GNUC__) && GLOSS_VECTOR_BYTES == 16 && defined(__SSE2__)
  if constexpr (sizeof(T) == 4) return __builtin_ia32_sqrtps(x);
  if constexpr (sizeof(T) == 8) return __builtin_ia32_sqrtpd(x);
#endif
  for (Index i = 0; i < lanes<T>; ++i) x[i] = std::sqrt(x[i]);
  return x;
}
/// |x| with the sign of s.
template <class T>
GLOSS_INLINE Vec<T> copysign(Vec<T> x, Vec<T> s) {
  using I = IntOf<T>;
  return bit_cast_to<T>((bit_cast_to<I>(x) & (std::numeric_limits<I>::max)()) |
                        (bit_cast_to<I>(s) & (std::numeric_limits<I>::min)()));
}

/// tanh x = m / (m + 2) with m = e^(2|x|) - 1, exact near 0.
template <class T>
GLOSS_INLINE Vec<T> tanh(Vec<T> x) {
  const Vec<T> a = abs<T>(x);
  IntVec<T> n;
  const Vec<T> p = detail::expm1_reduced<T>(select<T>(a > T(20), splat<T>(T(40)), a + a), n);
  const Vec<T> scale = detail::exp2_int<T>(n);
  const Vec<T> m = p * scale + (scale - T(1));
  return copysign<T>(m / (m + T(2)), x);
}

/// 1 / (1 + e^-x).
template <class T>
GLOSS_INLINE Vec<T> sigmoid(Vec<T> x) {
  return T(1) / (exp<T>(-x) + T(1));
}

/// erf x, given e = exp(-x^2), which the caller often has: a polynomial in x^2 up to 1, 1 - e q(x) beyond.
template <class T>
GLOSS_INLINE Vec<T> erf_with_exp(Vec<T> x, Vec<T> e) {
  const Vec<T> a = abs<T>(x);
  const Vec<T> z = select<T>(a < T(1), x * x, splat<T>(T(1)));
  const Vec<T> big = select<T>(a > T(6), splat<T>(T(6)), a);
  const Vec<T> t = (big - T(2)) / (big + T(2));
  Vec<T> small, q;
  if constexpr (std::is_same_v<T, float>) {
    small = polynomial<T>(z, 1.128379166, -0.3761262713, 0.1128360014, -0.02685444318, 0.005189532608, -0.0008020816936,
                          7.889038199e-5);
    q = polynomial<T>(t, 0.2553956779, -0.4271858533, 0.2416572747, -0.07898687184, 0.003729844334, 0.007212665427);
  } else {
    small = polynomial<T>(z, 1.1283791670955125668, -0.37612638903183546545, 0.11283791670945250225,
                          -0.026866170643275790911, 0.0052239776074203333202, -0.00085483259895619539962,
                          0.00012055295316863959862, -0.000014924744600305048183, 1.6447516972480977365e-6,
                          -1.6209170995089760775e-7, 1.3722956847440290983e-8, -7.8011556755850449091e-10);
    q = polynomial<T>(t, 0.25539567631050575932, -0.42718584741395683198, 0.24165819424246889243,
                      -0.078978581016414128714, 0.0037328923985340441074, 0.0069974617854757012495,
                      -0.00084714259113642401763, -0.00098197647475166052291, 0.000043536194111846697232,
                      0.00017428849931905222827, 0.000027622882378962087154, -0.000026612429501149002793,
                      -0.000012644941704657778352);
  }
  const Vec<T> y = select<T>(a < T(1), a * small, T(1) - e * q);
  return select<T>(x == x, copysign<T>(y, x), x);
}

/// erf x.
template <class T>
GLOSS_INLINE Vec<T> erf(Vec<T> x) {
  return erf_with_exp<T>(x, exp<T>(-x * x));
}

}  // namespace gloss::inline GLOSS_ABI::kernels
