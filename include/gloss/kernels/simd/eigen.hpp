// The vectors of simd.hpp on Eigen: the numbers of an Eigen::Array of fixed size, with the operators of a compiler's
// vector type, which are made of the packets that Eigen computes such arrays with. Its expressions would not do:
// compilers inline too little of them, and comparisons, masks and bits they have only one element after the other.
// Where there are no packets, for whole numbers of 64 bits or with EIGEN_DONT_VECTORIZE, operators are loops over the
// lanes.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <gloss/core/shape.hpp>
#include <gloss/kernels/simd/eigen_core.hpp>

// Before a loop over the lanes: the compiler may do it at once, and does if it does not unroll it first.
#if defined(__clang__)
#define GLOSS_LANES _Pragma("clang loop vectorize(enable)")
#elif defined(__GNUC__)
#define GLOSS_LANES _Pragma("GCC unroll 1")
#else
#define GLOSS_LANES
#endif

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// The floating-point type of T's size. Whole numbers lie in arrays of it, bit by bit: of memory that is read now as
/// one type, now as another, compilers make slow code.
template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, float, double>;
/// What Eigen computes an array of n numbers with: several of them, or one where it has nothing better.
template <class T, Index n>
using PacketOf = typename Eigen::internal::find_best_packet<T, static_cast<int>(n)>::type;
template <class T, Index n>
inline constexpr Index packet_lanes = sizeof(PacketOf<T, n>) / sizeof(T);

template <class T, Index n>
struct Pack;

/// n numbers where p points to, as far as they make a packet.
template <class T, Index n>
GLOSS_INLINE PacketOf<T, n> packet_at(const T* p) {
  return Eigen::internal::ploadt<PacketOf<T, n>, alignof(Pack<T, n>)>(p);
}
/// Packets f(i) to x, for i = 0, 1, ...
template <class T, Index n, class F>
GLOSS_INLINE void set_packets(Pack<T, n>& x, F f) {
  using Bits = BitsOf<T>;
  GLOSS_UNROLL for (Index i = 0; i < n; i += packet_lanes<Bits, n>)
      Eigen::internal::pstoret<Bits, PacketOf<Bits, n>, alignof(Pack<Bits, n>)>(x.numbers + i, f(i));
}
/// Packets from f of the packs' packets, one after the other.
template <class To, class F, class T, Index n, class... More>
GLOSS_INLINE Pack<To, n> by_packets(F f, const Pack<T, n>& x, const Pack<More, n>&... more) {
  using Bits = BitsOf<T>;
  Pack<To, n> r;
  set_packets(r, [&](Index i) GLOSS_INLINE_LAMBDA {
    return f(packet_at<Bits, n>(x.numbers + i), packet_at<Bits, n>(more.numbers + i)...);
  });
  return r;
}

/// The numbers of a pack in memory.
template <class T, Index n>
struct Lanes {
  T lane[n];
  GLOSS_INLINE explicit Lanes(const Pack<T, n>& x) { std::memcpy(lane, x.numbers, sizeof lane); }
};
/// f of each lane.
template <class To, class F, class T, Index n, class... More>
GLOSS_INLINE Pack<To, n> by_lanes(F f, const Lanes<T, n>& x, const Lanes<More, n>&... more) {
  To to[n];
  GLOSS_LANES for (Index i = 0; i < n; ++i) to[i] = static_cast<To>(f(x.lane[i], more.lane[i]...));
  return Pack<To, n>::load(to);
}
template <class To, class F, class T, Index n, class... More>
GLOSS_INLINE Pack<To, n> by_lanes(F f, const Pack<T, n>& x, const Pack<More, n>&... more) {
  return by_lanes<To>(f, Lanes<T, n>(x), Lanes<More, n>(more)...);
}

/// Packets of int32, for what lies in packets of float.
template <class P>
using Int32s = typename Eigen::internal::unpacket_traits<P>::integer_packet;
template <class P>
GLOSS_INLINE Int32s<P> int32s(const P& p) {
  return Eigen::internal::preinterpret<Int32s<P>, P>(p);
}
template <class P>
GLOSS_INLINE P floats(const Int32s<P>& p) {
  return Eigen::internal::preinterpret<P, Int32s<P>>(p);
}

/// See above. A number stands for n equal ones, nothing for zeros.
template <class T, Index n>
struct Pack {
  using Bits = BitsOf<T>;
  using Int = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  using Unsigned = std::make_unsigned_t<Int>;
  using Mask = Pack<Int, n>;
  using Array = Eigen::Array<Bits, static_cast<int>(n), 1>;
  static constexpr bool is_real = std::is_floating_point_v<T>;
  static constexpr bool has_packets = packet_lanes<Bits, n> > 1;
  static constexpr bool has_int32s = has_packets && std::is_same_v<T, std::int32_t>;
  /// Where signed and unsigned make no difference.
  static constexpr bool has_words = has_packets && !is_real && sizeof(T) == 4;

  alignas(Array) Bits numbers[n];  // not the array itself, whose constructor stands in the way of {} and of registers

  Pack() = default;
  GLOSS_INLINE Pack(T x) {
    set_packets(*this, [x](Index) GLOSS_INLINE_LAMBDA {
      return Eigen::internal::pset1<PacketOf<Bits, n>>(std::bit_cast<Bits>(x));
    });
  }
  GLOSS_INLINE explicit Pack(const Bits (&x)[n]) { copy(x); }
  // Copies are packets as well, as all accesses are: then compilers keep them in registers.
  GLOSS_INLINE Pack(const Pack& x) { copy(x.numbers); }
  GLOSS_INLINE Pack& operator=(const Pack& x) {
    copy(x.numbers);
    return *this;
  }

  /// From and to memory, of any alignment.
  GLOSS_INLINE static Pack load(const T* p) {
    Pack x;
    set_packets(x, [p](Index i) GLOSS_INLINE_LAMBDA {
      return Eigen::internal::ploadu<PacketOf<Bits, n>>(reinterpret_cast<const Bits*>(p + i));
    });
    return x;
  }
  GLOSS_INLINE void store(T* p) const {
    GLOSS_UNROLL for (Index i = 0; i < n; i += packet_lanes<Bits, n>)
        Eigen::internal::pstoreu(reinterpret_cast<Bits*>(p + i), packet_at<Bits, n>(numbers + i));
  }

  GLOSS_INLINE T operator[](Index i) const { return std::bit_cast<T>(numbers[i]); }
  GLOSS_INLINE T& operator[](Index i) requires is_real { return numbers[i]; }

  GLOSS_INLINE void copy(const Bits (&x)[n]) {
    set_packets(*this, [&x](Index i) GLOSS_INLINE_LAMBDA { return packet_at<Bits, n>(x + i); });
  }

  friend GLOSS_INLINE Pack operator-(const Pack& x) { return x * Pack(T(-1)); }  // pnegate makes 0 of 0, not -0
  friend GLOSS_INLINE Pack operator+(const Pack& x, const Pack& y) {
    if constexpr (is_real)
      return by_packets<T>(
          []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA { return Eigen::internal::padd(p, q); }, x, y);
    else if constexpr (has_words)
      return by_packets<T>([]<class P>(const P& p, const P& q)
                               GLOSS_INLINE_LAMBDA { return floats<P>(Eigen::internal::padd(int32s(p), int32s(q))); },
                           x, y);
    else
      return by_lanes<T>(
          [](T p, T q) GLOSS_INLINE_LAMBDA { return static_cast<Unsigned>(p) + static_cast<Unsigned>(q); }, x, y);
  }
  friend GLOSS_INLINE Pack operator-(const Pack& x, const Pack& y) {
    if constexpr (is_real)
      return by_packets<T>(
          []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA { return Eigen::internal::psub(p, q); }, x, y);
    else if constexpr (has_words)
      return by_packets<T>([]<class P>(const P& p, const P& q)
                               GLOSS_INLINE_LAMBDA { return floats<P>(Eigen::internal::psub(int32s(p), int32s(q))); },
                           x, y);
    else
      return by_lanes<T>(
          [](T p, T q) GLOSS_INLINE_LAMBDA { return static_cast<Unsigned>(p) - static_cast<Unsigned>(q); }, x, y);
  }
  friend GLOSS_INLINE Pack operator*(const Pack& x, const Pack& y) {
    if constexpr (is_real)
      return by_packets<T>(
          []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA { return Eigen::internal::pmul(p, q); }, x, y);
    else
      return by_lanes<T>(
          [](T p, T q) GLOSS_INLINE_LAMBDA { return static_cast<Unsigned>(p) * static_cast<Unsigned>(q); }, x, y);
  }
  friend GLOSS_INLINE Pack operator/(const Pack& x, const Pack& y) {
    return by_packets<T>(
        []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA { return Eigen::internal::pdiv(p, q); }, x, y);
  }

#define GLOSS_PACK_BITS(op, of_packets)                                                           \
  friend GLOSS_INLINE Pack operator op(const Pack& x, const Pack& y) {                            \
    if constexpr (has_packets)                                                                    \
      return by_packets<T>([]<class P>(const P& p, const P& q)                                    \
                               GLOSS_INLINE_LAMBDA { return Eigen::internal::of_packets(p, q); }, \
                           x, y);                                                                 \
    else                                                                                          \
      return by_lanes<T>([](T p, T q) GLOSS_INLINE_LAMBDA { return p op q; }, x, y);              \
  }
  GLOSS_PACK_BITS(&, pand)
  GLOSS_PACK_BITS(|, por)
  GLOSS_PACK_BITS(^, pxor)
#undef GLOSS_PACK_BITS
  friend GLOSS_INLINE Pack operator~(const Pack& x) { return x ^ Pack(static_cast<T>(-1)); }
  friend GLOSS_INLINE Pack operator<<(const Pack& x, const Pack& y) {
    return by_lanes<T>([](T p, T q) GLOSS_INLINE_LAMBDA { return p << q; }, x, y);
  }
  friend GLOSS_INLINE Pack operator>>(const Pack& x, const Pack& y) {
    return by_lanes<T>([](T p, T q) GLOSS_INLINE_LAMBDA { return p >> q; }, x, y);
  }

  friend GLOSS_INLINE Mask operator<(const Pack& x, const Pack& y) {
    if constexpr (is_real && has_packets)
      return by_packets<Int>(
          []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA { return Eigen::internal::pcmp_lt(p, q); }, x, y);
    else if constexpr (has_int32s)  // the sign of p - q, or of p where the difference may be too large
      return by_packets<Int>(
          []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA {
            using Eigen::internal::pandnot;
            const auto i = int32s(p), j = int32s(q);
            return floats<P>(Eigen::internal::parithmetic_shift_right<31>(Eigen::internal::por(
                pandnot(i, j), pandnot(Eigen::internal::psub(i, j), Eigen::internal::pxor(i, j)))));
          },
          x, y);
    else
      return by_lanes<Int>([](T p, T q) GLOSS_INLINE_LAMBDA { return -Int{p < q}; }, x, y);
  }
  friend GLOSS_INLINE Mask operator<=(const Pack& x, const Pack& y) {
    if constexpr (!is_real)
      return ~(y < x);
    else if constexpr (has_packets)
      return by_packets<Int>(
          []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA { return Eigen::internal::pcmp_le(p, q); }, x, y);
    else
      return by_lanes<Int>([](T p, T q) GLOSS_INLINE_LAMBDA { return -Int{p <= q}; }, x, y);
  }
  friend GLOSS_INLINE Mask operator>(const Pack& x, const Pack& y) { return y < x; }
  friend GLOSS_INLINE Mask operator>=(const Pack& x, const Pack& y) { return y <= x; }
  friend GLOSS_INLINE Mask operator==(const Pack& x, const Pack& y) {
    if constexpr (is_real && has_packets)
      return by_packets<Int>(
          []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA { return Eigen::internal::pcmp_eq(p, q); }, x, y);
    else if constexpr (has_words)
      return by_packets<Int>(
          []<class P>(const P& p, const P& q)
              GLOSS_INLINE_LAMBDA { return floats<P>(Eigen::internal::pcmp_eq(int32s(p), int32s(q))); },
          x, y);
    else
      return by_lanes<Int>([](T p, T q) GLOSS_INLINE_LAMBDA { return -Int{p == q}; }, x, y);
  }
  friend GLOSS_INLINE Mask operator!=(const Pack& x, const Pack& y) { return ~(x == y); }
};

/// Lane by lane: mask ? x : y.
template <class T, Index n>
GLOSS_INLINE Pack<T, n> select_lanes(const typename Pack<T, n>::Mask& mask, const Pack<T, n>& x, const Pack<T, n>& y) {
  if constexpr (Pack<T, n>::has_packets)
    return by_packets<T>([]<class P>(const P& m, const P& p, const P& q)
                             GLOSS_INLINE_LAMBDA { return Eigen::internal::pselect(m, p, q); },
                         mask, x, y);
  else
    return by_lanes<T>([](auto m, T p, T q) GLOSS_INLINE_LAMBDA { return m ? p : q; }, mask, x, y);
}

/// Lane by lane: x > y ? x : y, and x < y ? x : y. Eigen's packets of x86 are just that with the arguments turned
/// round; others treat NaN in other ways.
template <class T, Index n>
GLOSS_INLINE Pack<T, n> larger_lanes(const Pack<T, n>& x, const Pack<T, n>& y) {
#ifdef EIGEN_VECTORIZE_SSE
  if constexpr (Pack<T, n>::is_real && Pack<T, n>::has_packets)
    return by_packets<T>(
        []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA { return Eigen::internal::pmax(q, p); }, x, y);
#endif
  return select_lanes(x > y, x, y);
}
template <class T, Index n>
GLOSS_INLINE Pack<T, n> smaller_lanes(const Pack<T, n>& x, const Pack<T, n>& y) {
#ifdef EIGEN_VECTORIZE_SSE
  if constexpr (Pack<T, n>::is_real && Pack<T, n>::has_packets)
    return by_packets<T>(
        []<class P>(const P& p, const P& q) GLOSS_INLINE_LAMBDA { return Eigen::internal::pmin(q, p); }, x, y);
#endif
  return select_lanes(x < y, x, y);
}

/// The numbers moved by so many bits; to the right, signed ones keep their sign.
template <int by, class T, Index n>
GLOSS_INLINE Pack<T, n> shift_left_lanes(const Pack<T, n>& x) {
  if constexpr (Pack<T, n>::has_words)
    return by_packets<T>(
        []<class P>(const P& p)
            GLOSS_INLINE_LAMBDA { return floats<P>(Eigen::internal::plogical_shift_left<by>(int32s(p))); },
        x);
  else
    return x << Pack<T, n>(static_cast<T>(by));
}
template <int by, class T, Index n>
GLOSS_INLINE Pack<T, n> shift_right_lanes(const Pack<T, n>& x) {
  if constexpr (Pack<T, n>::has_int32s)
    return by_packets<T>(
        []<class P>(const P& p)
            GLOSS_INLINE_LAMBDA { return floats<P>(Eigen::internal::parithmetic_shift_right<by>(int32s(p))); },
        x);
  else
    return x >> Pack<T, n>(static_cast<T>(by));
}

/// Numbers to numbers of the same width, towards zero.
template <class To, class T, Index n>
GLOSS_INLINE Pack<To, n> convert_lanes(const Pack<T, n>& x) {
  if constexpr (Pack<T, n>::has_int32s && std::is_same_v<To, float>)
    return by_packets<To>(
        []<class P>(const P& p) GLOSS_INLINE_LAMBDA { return Eigen::internal::pcast<Int32s<P>, P>(int32s(p)); }, x);
  else if constexpr (Pack<To, n>::has_int32s && std::is_same_v<T, float>)
    return by_packets<To>(
        []<class P>(const P& p) GLOSS_INLINE_LAMBDA { return floats<P>(Eigen::internal::pcast<P, Int32s<P>>(p)); }, x);
  else
    return by_lanes<To>([](T p) GLOSS_INLINE_LAMBDA { return p; }, x);
}

/// Lane j is element order[j] of x and y, one behind the other.
template <int... order, class T, Index n>
GLOSS_INLINE Pack<T, n> shuffle_lanes(const Pack<T, n>& x, const Pack<T, n>& y) {
  T both[2 * n];
  std::memcpy(both, x.numbers, n * sizeof(T));
  std::memcpy(both + n, y.numbers, n * sizeof(T));
  const T chosen[] = {both[order]...};
  return Pack<T, n>::load(chosen);
}

/// The sum and the maximum of the lanes.
template <class T, Index n>
GLOSS_INLINE T sum_of_lanes(const Pack<T, n>& x) {
  T sum = Eigen::internal::predux(packet_at<T, n>(x.numbers));
  for (Index i = packet_lanes<T, n>; i < n; i += packet_lanes<T, n>)
    sum += Eigen::internal::predux(packet_at<T, n>(x.numbers + i));
  return sum;
}
template <class T, Index n>
GLOSS_INLINE T max_of_lanes(const Pack<T, n>& x) {
  T max = Eigen::internal::predux_max(packet_at<T, n>(x.numbers));
  for (Index i = packet_lanes<T, n>; i < n; i += packet_lanes<T, n>) {
    const T next = Eigen::internal::predux_max(packet_at<T, n>(x.numbers + i));
    if (next > max) max = next;
  }
  return max;
}

/// A square of n packs turned on its diagonal.
template <class T, Index n>
GLOSS_INLINE void transpose_packs(Pack<T, n>* v) {
  if constexpr (packet_lanes<T, n> == n) {
    Eigen::internal::PacketBlock<PacketOf<T, n>, static_cast<int>(n)> block;
    GLOSS_UNROLL for (Index r = 0; r < n; ++r) block.packet[r] = packet_at<T, n>(v[r].numbers);
    Eigen::internal::ptranspose(block);
    GLOSS_UNROLL for (Index r = 0; r < n; ++r)
        Eigen::internal::pstoret<T, PacketOf<T, n>, alignof(Pack<T, n>)>(v[r].numbers, block.packet[r]);
  } else {
    for (Index r = 0; r < n; ++r)
      for (Index c = 0; c < r; ++c) std::swap(v[r][c], v[c][r]);
  }
}

/// Square roots. Eigen 3.4's of packets are off by more than one unit of the last place, 0 for subnormal numbers and
/// NaN for infinity, so one step of Newton's follows, with the residual in one rounding where the processor can, and
/// the rest is done here.
template <class T, Index n>
GLOSS_INLINE Pack<T, n> square_root(const Pack<T, n>& x) {
  using P = Pack<T, n>;
  // what is so small that the residual would not be a normal number is taken in larger units
  constexpr T down = std::numeric_limits<T>::epsilon() / 2, up = 1 / (down * down);
  const auto tiny = x < P((std::numeric_limits<T>::min)() * up);
  const P root = by_packets<T>(
      []<class Q>(const Q& s) GLOSS_INLINE_LAMBDA {
        const Q y = Eigen::internal::psqrt(s), minus_y = Eigen::internal::psub(Eigen::internal::pset1<Q>(T(0)), y);
        const Q step = Eigen::internal::pmul(Eigen::internal::pset1<Q>(T(0.5)), Eigen::internal::prsqrt(s));
        return Eigen::internal::pmadd(Eigen::internal::pmadd(minus_y, y, s), step, y);
      },
      select_lanes(tiny, x * P(up), x));
  const P y = select_lanes(tiny, root * P(down), root);
  return select_lanes((x == P{}) | (x == P(std::numeric_limits<T>::infinity())), x, y);
}

/// m < n numbers from one place to another.
template <Index n, class T>
GLOSS_INLINE void copy_some(T* to, const T* from, Index m) {
  if constexpr (n > 1) {
    if (m & (n / 2)) {
      std::memcpy(to, from, n / 2 * sizeof(T));
      to += n / 2, from += n / 2;
    }
    copy_some<n / 2>(to, from, m);
  }
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
