// Softmax and log-softmax over the last axis, rows in parallel, each row read while it is in cache.
#pragma once

#include <cstdint>
#include <limits>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/math.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// How many rows of n elements are worth a thread.
inline Index row_grain(Index n, Index elements = 8192) { return n >= elements ? 1 : elements / (n > 0 ? n : 1); }

template <class T>
GLOSS_INLINE T row_max(const T* x, Index n) {
  constexpr T lowest = -std::numeric_limits<T>::infinity();
  Vec<T> m0 = splat<T>(lowest), m1 = m0;
  Index i = 0;
  for (; i + 2 * lanes<T> <= n; i += 2 * lanes<T>) {
    m0 = vmax<T>(m0, load<T>(x + i));
    m1 = vmax<T>(m1, load<T>(x + i + lanes<T>));
  }
  each_vector<T>(n - i,
                 [&](Index j, Index m) GLOSS_INLINE_LAMBDA { m0 = vmax<T>(m0, load_n<T>(x + i + j, m, lowest)); });
  return hmax<T>(vmax<T>(m0, m1));
}

/// The sum of f(i, m) over the vectors [i, i + m) of [begin, end), in four chains, so that an addition does not wait
/// for the one before it. Lanes beyond m count as well.
template <class T, class F>
GLOSS_INLINE T sum_of_piece(Index begin, Index end, F f) {
  constexpr Index l = lanes<T>;
  Vec<T> s0{}, s1{}, s2{}, s3{};
  Index i = begin;
  for (; i + 4 * l <= end; i += 4 * l) {
    s0 = s0 + f(i, l);
    s1 = s1 + f(i + l, l);
    s2 = s2 + f(i + 2 * l, l);
    s3 = s3 + f(i + 3 * l, l);
  }
  each_vector<T>(end - i, [&](Index j, Index m) GLOSS_INLINE_LAMBDA { s0 = s0 + f(i + j, m); });
  return hsum<T>(end - begin < 4 * l ? s0 : (s0 + s1) + (s2 + s3));
}

/// sum_of_piece over [0, n), where a long row's pieces are added in double, so that it keeps its digits.
template <class T, class F>
GLOSS_INLINE T sum_of(Index n, F f) {
  constexpr Index piece = 16384;
  if (n <= piece) return sum_of_piece<T>(0, n, f);
  double total = 0;
  for (Index i = 0; i < n; i += piece)
    total += static_cast<double>(sum_of_piece<T>(i, n - i < piece ? n : i + piece, f));
  return static_cast<T>(total);
}

/// Asks for what will be read next, while there is something else to compute; may point anywhere.
GLOSS_INLINE void prefetch([[maybe_unused]] const void* p) { GLOSS_PREFETCH(p, 0, 2); }

/// Stores that go past the caches, for results that would not stay there: what they overwrite is not read first.
template <class T>
class RowWriter {
 public:
  /// For rows of n elements, in all of `numel`. The store needs aligned rows.
  RowWriter(const T* y, Index n, Index numel) {
#if defined(GLOSS_VECTOR_TYPES) && defined(__GNUC__) && GLOSS_VECTOR_BYTES == 64 && defined(__AVX512F__)
    past_ = numel * static_cast<Index>(sizeof(T)) >= (Index{12} << 20) &&
            reinterpret_cast<std::uintptr_t>(y) % 64 == 0 && n * static_cast<Index>(sizeof(T)) % 64 == 0;
#else
    (void)y, (void)n, (void)numel;
#endif
  }
  GLOSS_INLINE void operator()(T* p, Vec<T> v, Index m) const {
#if defined(GLOSS_VECTOR_TYPES) && defined(__GNUC__) && GLOSS_VECTOR_BYTES == 64 && defined(__AVX512F__)
    if (past_) {
#ifdef __clang__
      __builtin_nontemporal_store(v, reinterpret_cast<Vec<T>*>(p));
#else
      if constexpr (sizeof(T) == 4) __builtin_ia32_movntps512(p, v);
      if constexpr (sizeof(T) == 8) __builtin_ia32_movntpd512(p, v);
#endif
      return;
    }
#endif
    store_n<T>(p, v, m);
  }
  /// After the last store of a thread.
  void finish() const {
#if defined(GLOSS_VECTOR_TYPES) && defined(__GNUC__) && GLOSS_VECTOR_BYTES == 64 && defined(__AVX512F__)
    if (past_) __builtin_ia32_sfence();
#endif
  }

 private:
  bool past_ = false;
};

/// ln sum exp(x - max) of a row; what follows it is fetched.
template <class T>
GLOSS_INLINE T row_log_sum(const T* x, Index n, T max) {
  Vec<T> sum{};
  each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
    prefetch(x + n + i);
    sum = sum + exp<T>(load_n<T>(x + i, m, -std::numeric_limits<T>::infinity()) - max);
  });
  return log<T>(splat<T>(hsum<T>(sum)))[0];
}

/// Softmax of a row of at most `vectors` vectors, which stay in registers.
template <class T, int vectors>
GLOSS_INLINE void softmax_short_row(const T* x, T* y, Index n) {
  constexpr T lowest = -std::numeric_limits<T>::infinity();
  constexpr Index l = lanes<T>;
  const Index left = n - (vectors - 1) * l;  // in the last vector
  Vec<T> v[vectors];
  GLOSS_UNROLL for (int j = 0; j + 1 < vectors; ++j) v[j] = load<T>(x + j * l);
  v[vectors - 1] = load_n<T>(x + (vectors - 1) * l, left, lowest);
  Vec<T> most = v[0], sum{};
  GLOSS_UNROLL for (int j = 1; j < vectors; ++j) most = vmax<T>(most, v[j]);
  const T max = hmax<T>(most);
  GLOSS_UNROLL for (int j = 0; j < vectors; ++j) {
    v[j] = exp<T>(v[j] - max);
    sum = sum + v[j];
  }
  const T scale = T(1) / hsum<T>(sum);
  GLOSS_UNROLL for (int j = 0; j + 1 < vectors; ++j) store<T>(y + j * l, v[j] * scale);
  store_n<T>(y + (vectors - 1) * l, v[vectors - 1] * scale, left);
}

}  // namespace detail

/// y = exp(x - max) / sum exp(x - max) by rows; y may be x. A row of -infinity gives NaN.
/// Shape: x, y [rows, n].
template <class T>
void softmax_forward(const T* x, T* y, Index rows, Index n) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      T* yr = y + r * n;
      if constexpr (GLOSS_VECTOR_BYTES >= 32)  // of narrow vectors there are too few registers for rows of any use
        if (n > 0 && n <= 4 * lanes<T>) {
          if (n <= lanes<T>)
            detail::softmax_short_row<T, 1>(xr, yr, n);
          else if (n <= 2 * lanes<T>)
            detail::softmax_short_row<T, 2>(xr, yr, n);
          else if (n <= 3 * lanes<T>)
            detail::softmax_short_row<T, 3>(xr, yr, n);
          else
            detail::softmax_short_row<T, 4>(xr, yr, n);
          continue;
        }
      const T max = detail::row_max<T>(xr, n);
      Vec<T> sum{};
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> e = exp<T>(load_n<T>(xr + i, m, -std::numeric_limits<T>::infinity()) - max);
        detail::prefetch(xr + n + i);
        sum = sum + e;
        store_n<T>(yr + i, e, m);
      });
      const T scale = T(1) / hsum<T>(sum);
      each_vector<T>(
          n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { store_n<T>(yr + i, load_n<T>(yr + i, m) * scale, m); });
    }
  });
}

/// dx = y (dy - sum(dy y)); dx may be dy.
template <class T>
void softmax_backward(const T* y, const T* dy, T* dx, Index rows, Index n) {
  const detail::RowWriter<T> write(dx, n, rows * n);
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* yr = y + r * n;
      const T* dyr = dy + r * n;
      T* dxr = dx + r * n;
      const T dot = detail::sum_of<T>(
          n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { return load_n<T>(yr + i, m) * load_n<T>(dyr + i, m); });
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        write(dxr + i, load_n<T>(yr + i, m) * (load_n<T>(dyr + i, m) - dot), m);
      });
    }
    write.finish();
  });
}

/// y = x - max - log sum exp(x - max) by rows; y may be x.
/// Shape: x, y [rows, n].
template <class T>
void log_softmax_forward(const T* x, T* y, Index rows, Index n) {
  const detail::RowWriter<T> write(y, n, rows * n);
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      T* yr = y + r * n;
      const T max = detail::row_max<T>(xr, n);
      const T log_sum = detail::row_log_sum<T>(xr, n, max);
      each_vector<T>(
          n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { write(yr + i, (load_n<T>(xr + i, m) - max) - log_sum, m); });
    }
    write.finish();
  });
}

/// dx = dy - exp(y) sum(dy); dx may be dy.
template <class T>
void log_softmax_backward(const T* y, const T* dy, T* dx, Index rows, Index n) {
  const detail::RowWriter<T> write(dx, n, rows * n);
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* yr = y + r * n;
      const T* dyr = dy + r * n;
      T* dxr = dx + r * n;
      const T sum = detail::sum_of<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { return load_n<T>(dyr + i, m); });
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        detail::prefetch(dyr + n + i);
        write(dxr + i, load_n<T>(dyr + i, m) - exp<T>(load_n<T>(yr + i, m)) * sum, m);
      });
    }
    write.finish();
  });
}

GLOSS_INSTANTIATE(void softmax_forward<float>(const float*, float*, Index, Index))
GLOSS_INSTANTIATE(void softmax_forward<double>(const double*, double*, Index, Index))
GLOSS_INSTANTIATE(void softmax_backward<float>(const float*, const float*, float*, Index, Index))
GLOSS_INSTANTIATE(void softmax_backward<double>(const double*, const double*, double*, Index, Index))
GLOSS_INSTANTIATE(void log_softmax_forward<float>(const float*, float*, Index, Index))
GLOSS_INSTANTIATE(void log_softmax_forward<double>(const double*, double*, Index, Index))
GLOSS_INSTANTIATE(void log_softmax_backward<float>(const float*, const float*, float*, Index, Index))
GLOSS_INSTANTIATE(void log_softmax_backward<double>(const double*, const double*, double*, Index, Index))

}  // namespace gloss::inline GLOSS_ABI::kernels
