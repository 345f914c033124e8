// The parts of fused attention that know nothing of attention: transposition, scratch memory.
#pragma once

#include <cstddef>

#include <gloss/kernels/simd/transpose.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

constexpr Index round_up(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

/// Rows of the left factor of AttentionKernels::product come in multiples of this.
inline constexpr Index panel_rows = 8;

/// out[c][r] = factor in[r][c] for a square of lanes<T>.
template <class T>
GLOSS_NOINLINE void transpose_scaled(const T* in, Index in_stride, T* out, Index out_stride, T factor) {
  Vec<T> v[lanes<T>];
  GLOSS_UNROLL for (Index r = 0; r < lanes<T>; ++r) v[r] = load<T>(in + r * in_stride) * factor;
  transpose_vectors<T>(v);
  GLOSS_UNROLL for (Index r = 0; r < lanes<T>; ++r) store<T>(out + r * out_stride, v[r]);
}

/// out [columns, width] = factor in [rows, columns] transposed; out's columns from `rows` to `width` become 0.
template <class T>
void transpose(const T* in, Index in_stride, Index rows, Index columns, T* out, Index out_stride, Index width,
               T factor = T(1)) {
  constexpr Index n = lanes<T>;
  for (Index r = 0; r < width; r += n) {
    for (Index c = 0; c < columns; c += n) {
      const Index have_rows = rows - r < n ? (rows - r > 0 ? rows - r : 0) : n;
      const Index have_columns = columns - c < n ? columns - c : n, out_width = width - r < n ? width - r : n;
      const T* from = in + r * in_stride + c;
      T* to = out + c * out_stride + r;
      if (have_rows == n && have_columns == n && out_width == n) {
        transpose_scaled<T>(from, in_stride, to, out_stride, factor);
        continue;
      }
      T square[n * n], turned[n * n];
      for (Index i = 0; i < n; ++i)
        store<T>(square + i * n, i < have_rows ? load_n<T>(from + i * in_stride, have_columns) : Vec<T>{});
      transpose_scaled<T>(square, n, turned, n, factor);
      for (Index i = 0; i < have_columns; ++i) store_n<T>(to + i * out_stride, load<T>(turned + i * n), out_width);
    }
  }
}

/// out [rows_out, columns_out] = factor in [rows, columns], zeros where out is larger.
template <class T>
void copy_padded(const T* in, Index in_stride, Index rows, Index columns, T* out, Index rows_out, Index columns_out,
                 T factor = T(1)) {
  for (Index r = 0; r < rows_out; ++r) {
    T* to = out + r * columns_out;
    const T* from = in + r * in_stride;
    Index c = 0;
    if (r < rows) {
      for (; c + lanes<T> <= columns; c += lanes<T>) store<T>(to + c, load<T>(from + c) * factor);
      for (; c < columns; ++c) to[c] = from[c] * factor;
    }
    for (; c < columns_out; ++c) to[c] = T(0);
  }
}

/// Memory that one thread works in, cut into 64-byte-aligned arrays. Not initialised.
template <class T>
class Scratch {
 public:
  explicit Scratch(Index elements)
      : memory_(new std::byte[static_cast<std::size_t>(elements) * sizeof(T) + 64]), next_(memory_) {
    const auto misfit = reinterpret_cast<std::uintptr_t>(next_) % 64;
    if (misfit != 0) next_ += 64 - misfit;
  }
  ~Scratch() { delete[] memory_; }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  /// The elements that take() uses up for n.
  static constexpr Index size(Index n) { return round_up(n, 64); }
  T* take(Index n) {
    T* p = reinterpret_cast<T*>(next_);
    next_ += size(n) * static_cast<Index>(sizeof(T));
    return p;
  }

 private:
  std::byte* memory_;  // not a unique_ptr: <memory> costs every program a twentieth of a second of compiling
  std::byte* next_;
};

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
