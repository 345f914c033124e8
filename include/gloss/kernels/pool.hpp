// Pooling: the largest or the mean of every window, channel by channel.
#pragma once

#include <limits>

#include <gloss/kernels/window_sums.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Windows over `planes` channels of h.in x w.in cells each.
struct Pool {
  Index planes = 1;
  Window h, w;

  Index cells() const { return h.in * w.in; }
  Index places() const { return h.out * w.out; }
  /// How many planes are worth a thread.
  Index grain() const { return 50'000 / (places() * h.kernel * w.kernel + cells() + 1) + 1; }
};

/// y = the largest cell of each window, the first of equals; NaN wins, the last one. index, if it is not null: where
/// the cell lies in its plane, row-major; the window's first where all are -infinity.
/// Shape: x [planes, h.in, w.in], y and index [planes, h.out, w.out]; every window has a cell.
template <class T>
GLOSS_NOINLINE void max_pool_forward(const Pool& p, const T* x, T* y, std::int64_t* index) {
  using Int = IntOf<T>;
  const Plane plane = Plane::copied(p.h, p.w);
  const Index taps = p.h.kernel * p.w.kernel;
  const auto first_tap = [](const Window& a, Index o) {  // that is not in the border
    const Index start = o * a.stride - a.before;
    return start < 0 ? (-start + a.dilation - 1) / a.dilation * a.dilation : 0;
  };
  parallel_for(p.planes, p.grain(), [&](Index begin, Index end) {
    T* const cells = detail::plane_memory<T>(plane);
    const Index* const offsets = detail::tap_offsets(plane);
    Int* const columns = detail::workspace<0>().template get<Int>(taps + p.w.out + detail::plane_room<T>);
    Int* const where = columns + p.w.out + detail::plane_room<T>;  // of each tap, counted from the window's first
    for (Index ow = 0; ow < p.w.out; ++ow) columns[ow] = static_cast<Int>(first_tap(p.w, ow));
    for (Index t = 0; t < taps; ++t)
      where[t] = static_cast<Int>(t / p.w.kernel * p.h.dilation * p.w.in + t % p.w.kernel * p.w.dilation);
    for (Index n = begin; n < end; ++n) {
      fill_plane(plane, x + n * p.cells(), cells, -std::numeric_limits<T>::infinity());
      for (Index oh = 0; oh < p.h.out; ++oh) {
        T* const to = y + n * p.places() + oh * p.w.out;
        const Index base = (oh * p.h.stride - p.h.before) * p.w.in - p.w.before;
        const Int down = static_cast<Int>(first_tap(p.h, oh) * p.w.in);
        detail::each_windows<T>(p.w.out, [&](Index ow, Index width, auto many) GLOSS_INLINE_LAMBDA {
          constexpr int vectors = decltype(many)::value;
          const T* const row = cells + plane.row(oh) + ow;
          Vec<T> best[vectors];
          Vec<Int> found[vectors];
          GLOSS_UNROLL for (int v = 0; v < vectors; ++v) {
            best[v] = splat<T>(-std::numeric_limits<T>::infinity());
            found[v] = load<Int>(columns + ow + v * lanes<T>) + splat<Int>(down);
          }
          for (Index t = 0; t < taps; ++t) GLOSS_UNROLL for (int v = 0; v < vectors; ++v) {
              const Vec<T> cell = load<T>(row + offsets[t] + v * lanes<T>);
              const IntVec<T> better = (cell > best[v]) | (cell != cell);
              best[v] = select<T>(better, cell, best[v]);
              if (index != nullptr) found[v] = select<Int>(better, splat<Int>(where[t]), found[v]);
            }
          Int positions[vectors * lanes<T>];
          GLOSS_UNROLL for (int v = 0; v < vectors; ++v) {
            const Index left = width - v * lanes<T>;
            if (left > 0) store_n<T>(to + ow + v * lanes<T>, best[v], left < lanes<T> ? left : lanes<T>);
            store<Int>(positions + v * lanes<T>, found[v]);
          }
          if (index == nullptr) return;
          std::int64_t* const out = index + n * p.places() + oh * p.w.out + ow;
          for (Index i = 0; i < width; ++i) out[i] = base + (ow + i) * p.w.stride + positions[i];
        });
      }
    }
  });
}

/// dx[index] += dy, in order, and 0 elsewhere. Shape: dy and index [planes, places], dx [planes, cells]
template <class T>
void max_pool_backward(Index planes, Index cells, Index places, const T* dy, const std::int64_t* index, T* dx) {
  parallel_for(planes, 50'000 / (cells + places) + 1, [=](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) {
      T* const to = dx + n * cells;
      std::memset(to, 0, static_cast<std::size_t>(cells) * sizeof(T));
      for (Index i = n * places; i < (n + 1) * places; ++i) to[index[i]] += dy[i];
    }
  });
}

/// What a window's sum is divided by.
struct AverageRule {
  bool count_border = true;  // cells of the border count, as far as it was asked for
  Index divisor = 0;         // this, if it is not 0
};

namespace detail {

/// How many cells window o counts along an axis.
inline Index counted(const Window& a, Index o, bool border) {
  Index start = o * a.stride - a.before, stop = start + a.kernel;
  if (stop > a.in + a.before) stop = a.in + a.before;
  if (border) return stop - start;
  if (start < 0) start = 0;
  if (stop > a.in) stop = a.in;
  return stop - start;
}

/// out = in / divisors of the windows of row oh.
template <class T>
void divide_row(const Pool& p, const AverageRule& rule, Index oh, const T* in, T* out) {
  const T down = static_cast<T>(rule.divisor ? 1 : counted(p.h, oh, rule.count_border));
  const T inner = static_cast<T>(rule.divisor ? rule.divisor : p.w.kernel) * down;
  for (Index ow = 0; ow < p.w.out; ++ow) {
    const Index start = ow * p.w.stride - p.w.before;
    const bool whole = rule.divisor || (start >= 0 && start + p.w.kernel <= p.w.in);
    out[ow] = in[ow] / (whole ? inner : down * static_cast<T>(counted(p.w, ow, rule.count_border)));
  }
}

/// So many ones, in this thread's memory.
template <class T>
T* ones(Index n) {
  T* const to = workspace<0>().template get<T>(n);
  for (Index i = 0; i < n; ++i) to[i] = T(1);
  return to;
}

}  // namespace detail

/// y = the sum of each window's cells over its divisor. Shape: as max_pool_forward.
template <class T>
GLOSS_NOINLINE void avg_pool_forward(const Pool& p, const AverageRule& rule, const T* x, T* y) {
  const Plane plane = Plane::copied(p.h, p.w);
  parallel_for(p.planes, p.grain(), [&](Index begin, Index end) {
    T* const cells = detail::plane_memory<T>(plane);
    const Index* const offsets = detail::tap_offsets(plane);
    const T* const ones = detail::ones<T>(p.h.kernel * p.w.kernel);
    for (Index n = begin; n < end; ++n) {
      T* const to = y + n * p.places();
      fill_plane(plane, x + n * p.cells(), cells, T(0));
      detail::slide_windows(plane, offsets, static_cast<const T*>(cells), ones, T(0), false, to);
      for (Index oh = 0; oh < p.h.out; ++oh)
        detail::divide_row(p, rule, oh, static_cast<const T*>(to + oh * p.w.out), to + oh * p.w.out);
    }
  });
}

/// dx = the sum over the windows of a cell of dy over the divisor.
template <class T>
GLOSS_NOINLINE void avg_pool_backward(const Pool& p, const AverageRule& rule, const T* dy, T* dx) {
  const Plane plane = Plane::copied(p.h, p.w);
  parallel_for(p.planes, p.grain(), [&](Index begin, Index end) {
    T* const cells = detail::workspace<1>().template get<T>(plane.size() + p.places());
    T* const shares = cells + plane.size();
    const Index* const offsets = detail::tap_offsets(plane);
    const T* const ones = detail::ones<T>(p.h.kernel * p.w.kernel);
    for (Index n = begin; n < end; ++n) {
      for (Index oh = 0; oh < p.h.out; ++oh)
        detail::divide_row(p, rule, oh, dy + n * p.places() + oh * p.w.out, shares + oh * p.w.out);
      std::memset(cells, 0, static_cast<std::size_t>(plane.size()) * sizeof(T));
      detail::spread_windows(plane, offsets, static_cast<const T*>(shares), ones, cells);
      crop_plane(plane, static_cast<const T*>(cells), dx + n * p.cells());
    }
  });
}

/// Windows that divide an axis of `in` cells into `out` parts, which overlap where they must: part o is [begin, end).
struct Parts {
  Index in, out;
  Index begin(Index o) const { return o * in / out; }
  Index end(Index o) const { return ((o + 1) * in + out - 1) / out; }
  bool is_even() const { return in % out == 0; }
};

/// y = the mean of each part of every plane. Shape: x [planes, h.in, w.in], y [planes, h.out, w.out]
template <class T>
GLOSS_NOINLINE void adaptive_avg_pool_forward(Index planes, const Parts& h, const Parts& w, const T* x, T* y) {
  constexpr Index size = lanes<T>;
  parallel_for(planes, 50'000 / (h.in * w.in) + 1, [&](Index begin, Index end) {
    T* const sums = detail::workspace<1>().template get<T>(w.in + size);
    for (Index n = begin; n < end; ++n)
      for (Index oh = 0; oh < h.out; ++oh) {
        const Index top = h.begin(oh), height = h.end(oh) - top;
        const T* const from = x + (n * h.in + top) * w.in;
        T* const to = y + (n * h.out + oh) * w.out;
        if (w.out == 1) {  // the rows of the part follow each other in memory
          const Index count = height * w.in;
          Vec<T> sum[4] = {};
          Index i = 0;
          for (; i + 4 * size <= count; i += 4 * size)
            GLOSS_UNROLL for (int v = 0; v < 4; ++v) sum[v] = sum[v] + load<T>(from + i + v * size);
          for (; i < count; i += size) sum[0] = sum[0] + load_n<T>(from + i, count - i < size ? count - i : size);
          *to = hsum<T>((sum[0] + sum[1]) + (sum[2] + sum[3])) / static_cast<T>(count);
          continue;
        }
        for (Index i = 0; i < w.in; i += size) {  // the columns first
          const Index m = w.in - i < size ? w.in - i : size;
          Vec<T> sum = load_n<T>(from + i, m);
          for (Index r = 1; r < height; ++r) sum = sum + load_n<T>(from + r * w.in + i, m);
          store<T>(sums + i, sum);
        }
        for (Index ow = 0; ow < w.out; ++ow) {
          const Index left = w.begin(ow), width = w.end(ow) - left;
          T sum = sums[left];
          for (Index i = 1; i < width; ++i) sum += sums[left + i];
          to[ow] = sum / static_cast<T>(height * width);
        }
      }
  });
}

/// dx = the sum over the parts of a cell of dy over the part's size.
template <class T>
GLOSS_NOINLINE void adaptive_avg_pool_backward(Index planes, const Parts& h, const Parts& w, const T* dy, T* dx) {
  parallel_for(planes, 50'000 / (h.in * w.in) + 1, [&](Index begin, Index end) {
    T* const shares = detail::workspace<1>().template get<T>(w.in);
    for (Index n = begin; n < end; ++n) {
      T* const to = dx + n * h.in * w.in;
      if (!h.is_even()) std::memset(to, 0, static_cast<std::size_t>(h.in * w.in) * sizeof(T));
      for (Index oh = 0; oh < h.out; ++oh) {
        const Index top = h.begin(oh), height = h.end(oh) - top;
        std::memset(shares, 0, static_cast<std::size_t>(w.in) * sizeof(T));
        for (Index ow = 0; ow < w.out; ++ow) {
          const Index left = w.begin(ow), width = w.end(ow) - left;
          const T share = dy[(n * h.out + oh) * w.out + ow] / static_cast<T>(height * width);
          for (Index i = 0; i < width; ++i) shares[left + i] += share;
        }
        for (Index r = top; r < top + height; ++r) {
          T* const row = to + r * w.in;
          if (h.is_even())
            std::memcpy(row, shares, static_cast<std::size_t>(w.in) * sizeof(T));
          else
            each_vector<T>(w.in, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
              store_n<T>(row + j, load_n<T>(row + j, m) + load_n<T>(shares + j, m), m);
            });
        }
      }
    }
  });
}

/// The largest cell of each part, and where it lies, as in max_pool_forward.
template <class T>
GLOSS_NOINLINE void adaptive_max_pool_forward(Index planes, const Parts& h, const Parts& w, const T* x, T* y,
                                              std::int64_t* index) {
  parallel_for(planes, 50'000 / (h.in * w.in) + 1, [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow) {
          Index best = h.begin(oh) * w.in + w.begin(ow);
          const T* const from = x + n * h.in * w.in;
          for (Index r = h.begin(oh); r < h.end(oh); ++r)
            for (Index c = w.begin(ow); c < w.end(ow); ++c) {
              const T cell = from[r * w.in + c];
              if (cell > from[best] || !(cell == cell)) best = r * w.in + c;
            }
          y[(n * h.out + oh) * w.out + ow] = from[best];
          index[(n * h.out + oh) * w.out + ow] = best;
        }
  });
}

#define GLOSS_POOL(T)                                                                                \
  GLOSS_INSTANTIATE(void max_pool_forward(const Pool&, const T*, T*, std::int64_t*))                 \
  GLOSS_INSTANTIATE(void avg_pool_forward(const Pool&, const AverageRule&, const T*, T*))            \
  GLOSS_INSTANTIATE(void avg_pool_backward(const Pool&, const AverageRule&, const T*, T*))           \
  GLOSS_INSTANTIATE(void adaptive_avg_pool_forward(Index, const Parts&, const Parts&, const T*, T*)) \
  GLOSS_INSTANTIATE(void adaptive_avg_pool_backward(Index, const Parts&, const Parts&, const T*, T*))
GLOSS_POOL(float)
GLOSS_POOL(double)
#undef GLOSS_POOL

}  // namespace gloss::inline GLOSS_ABI::kernels
