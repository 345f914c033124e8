// Applies a function of one to three arguments element by element to strided, broadcast arrays.
#pragma once

#include <cstring>
#include <type_traits>

#include <gloss/kernels/loop.hpp>
#include <gloss/kernels/simd/transpose.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {
/// The type to add in: unsigned for whole numbers, where overflow is defined and wraps around.
template <class T>
struct Wrapping {
  using type = T;
};
template <class T>
  requires(std::is_integral_v<T> && sizeof(T) >= sizeof(int))
struct Wrapping<T> {
  using type = std::make_unsigned_t<T>;
};
}  // namespace detail

/// Named operations, so that every op that adds shares one compiled loop.
struct Plus {
  template <class T>
  constexpr T operator()(T a, T b) const {
    using W = typename detail::Wrapping<T>::type;
    return static_cast<T>(static_cast<W>(a) + static_cast<W>(b));
  }
};
struct Minus {
  template <class T>
  constexpr T operator()(T a, T b) const {
    using W = typename detail::Wrapping<T>::type;
    return static_cast<T>(static_cast<W>(a) - static_cast<W>(b));
  }
};
struct Times {
  template <class T>
  constexpr T operator()(T a, T b) const {
    using W = typename detail::Wrapping<T>::type;
    return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
  }
};
/// The larger and the smaller; NaN beats both.
struct Largest {
  template <class T>
  constexpr T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};
struct Smallest {
  template <class T>
  constexpr T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};
struct And {
  template <class T>
  constexpr T operator()(T a, T b) const {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  constexpr T operator()(T a, T b) const {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  constexpr T operator()(T a, T b) const {
    return static_cast<T>(a ^ b);
  }
};

/// y = f(x).
template <class F, class Y, class X>
void map(const Loop<2>& loop, F f, Y* y, const X* x) {
  const Index sy = loop.inner_stride(0), sx = loop.inner_stride(1);
  for_each_row(loop, [=](const Index* offset, Index n) {
    Y* GLOSS_RESTRICT py = y + offset[0];
    const X* px = x + offset[1];
    if (sy == 1 && sx == 1) {
      for (Index i = 0; i < n; ++i) py[i] = f(px[i]);
    } else {
      for (Index i = 0; i < n; ++i) py[i * sy] = f(px[i * sx]);
    }
  });
}

/// y = f(a, b); an inner stride of 0 on either side (a broadcast) is as fast as a dense one.
template <class F, class Y, class A, class B>
void map(const Loop<3>& loop, F f, Y* y, const A* a, const B* b) {
  const Index sy = loop.inner_stride(0), sa = loop.inner_stride(1), sb = loop.inner_stride(2);
  for_each_row(loop, [=](const Index* offset, Index n) {
    Y* GLOSS_RESTRICT py = y + offset[0];
    const A* pa = a + offset[1];
    const B* pb = b + offset[2];
    if (sy == 1 && sa == 1 && sb == 1) {
      for (Index i = 0; i < n; ++i) py[i] = f(pa[i], pb[i]);
    } else if (sy == 1 && sa == 1 && sb == 0) {
      const B vb = *pb;
      for (Index i = 0; i < n; ++i) py[i] = f(pa[i], vb);
    } else if (sy == 1 && sa == 0 && sb == 1) {
      const A va = *pa;
      for (Index i = 0; i < n; ++i) py[i] = f(va, pb[i]);
    } else {
      for (Index i = 0; i < n; ++i) py[i * sy] = f(pa[i * sa], pb[i * sb]);
    }
  });
}

/// y = f(a, b, c).
template <class F, class Y, class A, class B, class C>
void map(const Loop<4>& loop, F f, Y* y, const A* a, const B* b, const C* c) {
  const Index sy = loop.inner_stride(0), sa = loop.inner_stride(1);
  const Index sb = loop.inner_stride(2), sc = loop.inner_stride(3);
  for_each_row(loop, [=](const Index* offset, Index n) {
    Y* GLOSS_RESTRICT py = y + offset[0];
    const A* pa = a + offset[1];
    const B* pb = b + offset[2];
    const C* pc = c + offset[3];
    if (sy == 1 && sa == 1 && sb == 1 && sc == 1) {
      for (Index i = 0; i < n; ++i) py[i] = f(pa[i], pb[i], pc[i]);
    } else {
      for (Index i = 0; i < n; ++i) py[i * sy] = f(pa[i * sa], pb[i * sb], pc[i * sc]);
    }
  });
}

/// y = f(y, b), where y stands; b is not y's memory.
template <class F, class Y, class B>
void update(const Loop<2>& loop, F f, Y* y, const B* b) {
  const Index sy = loop.inner_stride(0), sb = loop.inner_stride(1);
  for_each_row(loop, [=](const Index* offset, Index n) {
    Y* GLOSS_RESTRICT py = y + offset[0];
    const B* pb = b + offset[1];
    if (sy == 1 && sb == 1) {
      for (Index i = 0; i < n; ++i) py[i] = f(py[i], pb[i]);
    } else {
      for (Index i = 0; i < n; ++i) py[i * sy] = f(py[i * sy], pb[i * sb]);
    }
  });
}

namespace detail {
/// copy() where y runs along the last axis and x along the one before it, in strips of `rows` rows, which divide that
/// axis: each cache line of x is read once.
template <class T>
GLOSS_NOINLINE void copy_turned(const Loop<2>& loop, Index rows, T* y, const T* x) {
  constexpr Index side = 16;
  Loop<2> strips = loop;
  const int axis = loop.rank - 2;
  strips.numel /= rows, strips.sizes[axis] /= rows, strips.strides[0][axis] *= rows, strips.strides[1][axis] *= rows;
  const Index row = loop.strides[0][axis], column = loop.inner_stride(1);
  for_each_row(
      strips,
      [=](const Index* offset, Index n) {
        T square[side * side];
        for (Index i = 0; i < n; i += side) {
          const Index columns = n - i < side ? n - i : side;
          if (rows == side && columns == side) {
            for (Index r = 0; r < side; r += lanes<T>)
              for (Index j = 0; j < side; j += lanes<T>)
                transpose_square<T>(x + offset[1] + (i + j) * column + r, column, y + offset[0] + r * row + i + j, row);
            continue;
          }
          for (Index j = 0; j < columns; ++j)
            for (Index r = 0; r < rows; ++r) square[r * side + j] = x[offset[1] + (i + j) * column + r];
          for (Index r = 0; r < rows; ++r)
            for (Index j = 0; j < columns; ++j) y[offset[0] + r * row + i + j] = square[r * side + j];
        }
      },
      16384 / side);
}
}  // namespace detail

/// y = x, in y's order.
template <class T>
void copy(const Loop<2>& loop, T* y, const T* x) {
  const Index sy = loop.inner_stride(0), sx = loop.inner_stride(1);
  if constexpr (std::is_floating_point_v<T>)
    if (loop.rank > 1 && sy == 1 && sx != 1 && loop.strides[1][loop.rank - 2] == 1)
      for (Index rows = 16; rows > 1; rows /= 2)
        if (loop.sizes[loop.rank - 2] % rows == 0) return detail::copy_turned(loop, rows, y, x);
  for_each_row(loop, [=](const Index* offset, Index n) {
    T* GLOSS_RESTRICT py = y + offset[0];
    const T* px = x + offset[1];
    if (sy == 1 && sx == 1) {
      std::memcpy(static_cast<void*>(py), static_cast<const void*>(px), static_cast<std::size_t>(n) * sizeof(T));
    } else {
      for (Index i = 0; i < n; ++i) py[i * sy] = px[i * sx];
    }
  });
}

/// y += x for dense arrays that may not overlap.
template <class T>
void accumulate(T* y, const T* x, Index n) {
  parallel_for(n, 16384, [=](Index begin, Index end) {
    T* GLOSS_RESTRICT py = y;
    const T* px = x;
    for (Index i = begin; i < end; ++i) py[i] += px[i];
  });
}

/// y = value for a dense array.
template <class T>
void fill(T* y, T value, Index n) {
  const T zero{};
  // By its bits, so that -0 stays; the C library knows how to clear much memory. NOLINTNEXTLINE(bugprone-*)
  const bool zeros = std::memcmp(&value, &zero, sizeof value) == 0;
  parallel_for(n, 32768, [=](Index begin, Index end) {
    if (zeros)
      std::memset(static_cast<void*>(y + begin), 0, static_cast<std::size_t>(end - begin) * sizeof(T));
    else
      for (Index i = begin; i < end; ++i) y[i] = value;
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
