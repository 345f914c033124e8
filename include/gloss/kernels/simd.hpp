// Vectors of GLOSS_VECTOR_BYTES: Vec<float>, Vec<double> and the integers of the same width, on the vector extensions
// of GCC and Clang (no intrinsics, so nothing to include); elsewhere a struct of an array that the optimiser may
// vectorise.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <gloss/core/shape.hpp>

#if defined(__GNUC__) || defined(__clang__)
#define GLOSS_INLINE inline __attribute__((always_inline))
#define GLOSS_INLINE_LAMBDA __attribute__((always_inline))  // stands after the lambda's parameters
#elif defined(_MSC_VER)
#define GLOSS_INLINE __forceinline
#define GLOSS_INLINE_LAMBDA
#else
#define GLOSS_INLINE inline
#define GLOSS_INLINE_LAMBDA
#endif

// Before a loop with constant bounds over an array of Vec: unrolled, so that the array lives in registers.
#if defined(__clang__)
#define GLOSS_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define GLOSS_UNROLL _Pragma("GCC unroll 64")
#else
#define GLOSS_UNROLL
#endif

namespace gloss::inline GLOSS_ABI::kernels {

/// How many T fill one vector.
template <class T>
inline constexpr Index lanes = GLOSS_VECTOR_BYTES / static_cast<Index>(sizeof(T));

namespace detail {

template <int Bytes>
struct SizedInt;
template <>
struct SizedInt<4> {
  using type = std::int32_t;
};
template <>
struct SizedInt<8> {
  using type = std::int64_t;
};

#if defined(__GNUC__) || defined(__clang__)
template <class T>
struct VecOf {
  typedef T type __attribute__((vector_size(GLOSS_VECTOR_BYTES)));
};
#else
template <class T>
struct Pack {
  T v[lanes<T>];
  T operator[](Index i) const { return v[i]; }
  T& operator[](Index i) { return v[i]; }
  template <class F>
  static Pack make(F f) {
    Pack r;
    for (Index i = 0; i < lanes<T>; ++i) r.v[i] = static_cast<T>(f(i));
    return r;
  }
  using Mask = Pack<typename SizedInt<sizeof(T)>::type>;
  friend Pack operator-(Pack a) {
    return make([&](Index i) { return -a.v[i]; });
  }
#define GLOSS_PACK_OPERATOR(op)                                       \
  friend Pack operator op(Pack a, Pack b) {                           \
    return make([&](Index i) { return a.v[i] op b.v[i]; });           \
  }                                                                   \
  friend Pack operator op(Pack a, T b) {                              \
    return make([&](Index i) { return a.v[i] op b; });                \
  }                                                                   \
  friend Pack operator op(T a, Pack b) {                              \
    return make([&](Index i) { return a op b.v[i]; });                \
  }                                                                   \
  friend Pack& operator op##=(Pack& a, Pack b) { return a = a op b; } \
  friend Pack& operator op##=(Pack& a, T b) { return a = a op b; }
  GLOSS_PACK_OPERATOR(+)
  GLOSS_PACK_OPERATOR(-)
  GLOSS_PACK_OPERATOR(*)
  GLOSS_PACK_OPERATOR(/)
  GLOSS_PACK_OPERATOR(&)
  GLOSS_PACK_OPERATOR(|)
  GLOSS_PACK_OPERATOR(^)
  GLOSS_PACK_OPERATOR(<<)
  GLOSS_PACK_OPERATOR(>>)
#undef GLOSS_PACK_OPERATOR
#define GLOSS_PACK_COMPARE(op)                                       \
  friend Mask operator op(Pack a, Pack b) {                          \
    return Mask::make([&](Index i) { return -(a.v[i] op b.v[i]); }); \
  }                                                                  \
  friend Mask operator op(Pack a, T b) {                             \
    return Mask::make([&](Index i) { return -(a.v[i] op b); });      \
  }
  GLOSS_PACK_COMPARE(<)
  GLOSS_PACK_COMPARE(>)
  GLOSS_PACK_COMPARE(<=)
  GLOSS_PACK_COMPARE(>=)
  GLOSS_PACK_COMPARE(==)
  GLOSS_PACK_COMPARE(!=)
#undef GLOSS_PACK_COMPARE
};
template <class T>
struct VecOf {
  using type = Pack<T>;
};
#endif

}  // namespace detail

/// A vector of lanes<T> numbers with + - * / & | ^ << >> and comparisons, which give a mask.
template <class T>
using Vec = typename detail::VecOf<T>::type;
/// The signed integer of T's width, and the vector of them: what comparing two Vec<T> gives, all ones where true.
template <class T>
using IntOf = typename detail::SizedInt<sizeof(T)>::type;
template <class T>
using IntVec = Vec<IntOf<T>>;

/// Loads and stores need no alignment.
template <class T>
GLOSS_INLINE Vec<T> load(const T* p) {
  Vec<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
GLOSS_INLINE void store(T* p, Vec<T> v) {
  std::memcpy(p, &v, sizeof v);
}
template <class T>
GLOSS_INLINE Vec<T> splat(T x) {
#if defined(__GNUC__) || defined(__clang__)
  return x - Vec<T>{};
#else
  return Vec<T>::make([&](Index) { return x; });
#endif
}
/// 0, 1, 2, ... in the lanes.
template <class T>
GLOSS_INLINE Vec<T> iota() {
  T a[lanes<T>];
  for (Index i = 0; i < lanes<T>; ++i) a[i] = static_cast<T>(i);
  return load<T>(a);
}
/// The first n < lanes<T> elements, the other lanes hold `fill`; memory beyond n is not touched.
/// The compiler's builtins for masked moves are named where there are such moves: a copy of variable length costs more
/// than all the rest of a short row.
template <class T>
GLOSS_INLINE Vec<T> load_partial(const T* p, Index n, T fill = T(0)) {
  [[maybe_unused]] constexpr bool real = std::is_floating_point_v<T>;
  Vec<T> v = splat<T>(fill);
#if defined(__GNUC__) && GLOSS_VECTOR_BYTES == 64 && defined(__AVX512F__)
  if constexpr (real && sizeof(T) == 4)
    return __builtin_ia32_loadups512_mask(p, v, static_cast<unsigned short>((1u << n) - 1));
  if constexpr (real && sizeof(T) == 8)
    return __builtin_ia32_loadupd512_mask(p, v, static_cast<unsigned char>((1u << n) - 1));
#elif defined(__GNUC__) && GLOSS_VECTOR_BYTES == 32 && defined(__AVX__)
  if constexpr (real) {
    typedef long long LongLongs __attribute__((vector_size(32)));
    const IntVec<T> mask = iota<IntOf<T>>() < static_cast<IntOf<T>>(n);
    if constexpr (sizeof(T) == 4)
      return mask ? __builtin_ia32_maskloadps256(reinterpret_cast<const Vec<T>*>(p), mask) : v;
    else
      return mask ? __builtin_ia32_maskloadpd256(reinterpret_cast<const Vec<T>*>(p), (LongLongs)mask) : v;
  }
#endif
  for (Index i = 0; i < lanes<T>; ++i)
    if (i < n) v[i] = p[i];
  return v;
}
template <class T>
GLOSS_INLINE void store_partial(T* p, Vec<T> v, Index n) {
  [[maybe_unused]] constexpr bool real = std::is_floating_point_v<T>;
#if defined(__GNUC__) && GLOSS_VECTOR_BYTES == 64 && defined(__AVX512F__)
  if constexpr (real && sizeof(T) == 4)
    return __builtin_ia32_storeups512_mask(p, v, static_cast<unsigned short>((1u << n) - 1));
  if constexpr (real && sizeof(T) == 8)
    return __builtin_ia32_storeupd512_mask(p, v, static_cast<unsigned char>((1u << n) - 1));
#elif defined(__GNUC__) && GLOSS_VECTOR_BYTES == 32 && defined(__AVX__)
  if constexpr (real) {
    typedef long long LongLongs __attribute__((vector_size(32)));
    const IntVec<T> mask = iota<IntOf<T>>() < static_cast<IntOf<T>>(n);
    if constexpr (sizeof(T) == 4)
      return __builtin_ia32_maskstoreps256(reinterpret_cast<Vec<T>*>(p), mask, v);
    else
      return __builtin_ia32_maskstorepd256(reinterpret_cast<Vec<T>*>(p), (LongLongs)mask, v);
  }
#endif
  for (Index i = 0; i < lanes<T>; ++i)
    if (i < n) p[i] = v[i];
}
/// Load and store of m elements, m <= lanes<T>.
template <class T>
GLOSS_INLINE Vec<T> load_n(const T* p, Index m, T fill = T(0)) {
  return m == lanes<T> ? load<T>(p) : load_partial<T>(p, m, fill);
}
template <class T>
GLOSS_INLINE void store_n(T* p, Vec<T> v, Index m) {
  if (m == lanes<T>)
    store<T>(p, v);
  else
    store_partial<T>(p, v, m);
}
/// Calls f(i, m) for the vectors [i, i + m) of [0, n): m is lanes<T>, and less in the last call where n asks for it.
template <class T, class F>
GLOSS_INLINE void each_vector(Index n, F f) {
  Index i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) f(i, lanes<T>);
  if (i < n) f(i, n - i);
}
/// The same bits as another vector type.
template <class To, class V>
GLOSS_INLINE Vec<To> bit_cast_to(V v) {
  static_assert(sizeof(V) == sizeof(Vec<To>));
  Vec<To> r;
  std::memcpy(&r, &v, sizeof r);
  return r;
}
/// Lane by lane: mask ? a : b.
template <class T>
GLOSS_INLINE Vec<T> select(IntVec<T> mask, Vec<T> a, Vec<T> b) {
#if defined(__GNUC__) || defined(__clang__)
  return mask ? a : b;
#else
  return Vec<T>::make([&](Index i) { return mask[i] ? a[i] : b[i]; });
#endif
}
/// a > b ? a : b; gives b where either is NaN.
template <class T>
GLOSS_INLINE Vec<T> vmax(Vec<T> a, Vec<T> b) {
  return select<T>(a > b, a, b);
}
/// a < b ? a : b; gives b where either is NaN.
template <class T>
GLOSS_INLINE Vec<T> vmin(Vec<T> a, Vec<T> b) {
  return select<T>(a < b, a, b);
}
/// Numbers to numbers of the same width: float <-> int32, double <-> int64; towards zero.
template <class To, class V>
GLOSS_INLINE Vec<To> convert_to(V v) {
#if defined(__GNUC__) || defined(__clang__)
  return __builtin_convertvector(v, Vec<To>);
#else
  return Vec<To>::make([&](Index i) { return v[i]; });
#endif
}

namespace detail {
/// Lane i of the result is lane (i + by) mod lanes.
template <class T, Index by, std::size_t... i>
GLOSS_INLINE Vec<T> rotate(Vec<T> v, std::index_sequence<i...>) {
#if defined(__GNUC__) || defined(__clang__)
  return __builtin_shufflevector(v, v, static_cast<int>((i + by) % sizeof...(i))...);
#else
  return Vec<T>{v[static_cast<Index>((i + by) % sizeof...(i))]...};
#endif
}
template <class T, Index width, class Join>
GLOSS_INLINE T fold(Vec<T> v, Join join) {
  if constexpr (width == 0)
    return v[0];
  else
    return fold<T, width / 2>(join(v, rotate<T, width>(v, std::make_index_sequence<lanes<T>>{})), join);
}
}  // namespace detail

/// Sum over the lanes, always in the same order: the upper half is added to the lower until one is left.
template <class T>
GLOSS_INLINE T hsum(Vec<T> v) {
  return detail::fold<T, lanes<T> / 2>(v, [](Vec<T> a, Vec<T> b) { return a + b; });
}
/// Largest lane; a NaN may get lost.
template <class T>
GLOSS_INLINE T hmax(Vec<T> v) {
  return detail::fold<T, lanes<T> / 2>(v, [](Vec<T> a, Vec<T> b) { return vmax<T>(a, b); });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
