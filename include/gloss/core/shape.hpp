// Sizes of a tensor, stored inline: no allocation, cheap to copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include <gloss/core/config.hpp>
#include <gloss/core/error.hpp>

namespace gloss::inline GLOSS_ABI {

/// Signed size and position type of the whole library; OpenMP and negative axes both want it signed.
using Index = std::int64_t;

/// The largest number of axes a tensor may have.
inline constexpr int max_rank = 8;

/// A list of up to max_rank sizes (or strides).
/// Errors: ShapeError when there are more than max_rank entries.
class Shape {
 public:
  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<Index> sizes) {
    for (Index s : sizes) push_back(s);
  }
  template <class Iterator>
  constexpr Shape(Iterator first, Iterator last) {
    for (; first != last; ++first) push_back(static_cast<Index>(*first));
  }
  /// `rank` axes, all of size `value`.
  static constexpr Shape filled(int rank, Index value) {
    Shape s;
    for (int i = 0; i < rank; ++i) s.push_back(value);
    return s;
  }

  /// How many sizes there are.
  constexpr int rank() const { return rank_; }
  constexpr bool empty() const { return rank_ == 0; }
  constexpr Index operator[](int axis) const { return sizes_[axis]; }
  constexpr Index& operator[](int axis) { return sizes_[axis]; }
  constexpr Index front() const { return sizes_[0]; }
  constexpr Index back() const { return sizes_[rank_ - 1]; }
  constexpr const Index* begin() const { return sizes_; }
  constexpr const Index* end() const { return sizes_ + rank_; }
  constexpr Index* begin() { return sizes_; }
  constexpr Index* end() { return sizes_ + rank_; }

  /// One more size, the last or at `axis`; one less.
  constexpr void push_back(Index size) {
    if (rank_ == max_rank) fail<ShapeError>("shape: more than ", max_rank, " axes");
    sizes_[rank_++] = size;
  }
  constexpr void insert(int axis, Index size) {
    push_back(size);
    for (int i = rank_ - 1; i > axis; --i) sizes_[i] = sizes_[i - 1];
    sizes_[axis] = size;
  }
  constexpr void erase(int axis) {
    for (int i = axis; i + 1 < rank_; ++i) sizes_[i] = sizes_[i + 1];
    sizes_[--rank_] = 0;
  }

  /// Product of the sizes; 1 for a scalar. Meaningless, but defined, where is_countable() does not hold.
  GLOSS_NOINLINE constexpr Index numel() const {
    std::uint64_t n = 1;
    for (Index s : *this) n *= static_cast<std::uint64_t>(s);
    return static_cast<Index>(n);
  }

  friend constexpr bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a.sizes_[i] != b.sizes_[i]) return false;
    return true;
  }

 private:
  Index sizes_[max_rank] = {};
  int rank_ = 0;
};

GLOSS_COLD inline void append_part(std::string& text, const Shape& shape) {
  const char* between = "[";
  for (const Index size : shape) {
    text += between;
    append_part(text, size);
    between = ", ";
  }
  text += shape.empty() ? "[]" : "]";
}

/// "[2, 3, 4]", as in every error text.
inline std::string to_string(const Shape& shape) {
  std::string text;
  append_part(text, shape);
  return text;
}

/// Row-major strides of a dense tensor of this shape, in elements.
GLOSS_NOINLINE constexpr Shape contiguous_strides(const Shape& shape) {
  Shape strides = shape;
  Index step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= shape[i] > 0 ? shape[i] : 1;
  }
  return strides;
}

/// Whether the sizes are not negative and those other than 0 multiply to at most 2^60, so that neither the number of
/// elements nor a stride overflows.
constexpr bool is_countable(const Shape& shape) {
  Index n = 1;
  for (const Index size : shape) {
    if (size < 0 || (size > 0 && n > (Index{1} << 60) / size)) return false;
    if (size > 0) n *= size;
  }
  return true;
}

/// Axis in [-rank, rank) to [0, rank).
/// Errors: IndexError otherwise.
GLOSS_NOINLINE inline int normalize_axis(const char* op, Index axis, int rank) {
  const int span = rank > 0 ? rank : 1;  // as in PyTorch, a scalar accepts axis 0 and -1
  if (axis < -span || axis >= span)
    fail<IndexError>(op, ": axis ", axis, " is out of range for ", rank, rank == 1 ? " axis" : " axes");
  return static_cast<int>(axis < 0 ? axis + span : axis);
}

/// The shape that both broadcast to, by PyTorch's rule: sizes are aligned at the last axis, 1 stretches.
/// Errors: ShapeError naming both shapes and the axis (counted from the end).
GLOSS_NOINLINE inline Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  Shape out = a.rank() >= b.rank() ? a : b;
  const Shape& other = a.rank() >= b.rank() ? b : a;
  const int shift = out.rank() - other.rank();
  for (int i = 0; i < other.rank(); ++i) {
    Index& size = out[i + shift];
    if (size == other[i] || other[i] == 1) continue;
    if (size != 1)
      fail<ShapeError>(op, ": shapes do not broadcast: a ", a, ", b ", b, " differ at axis ", i - other.rank());
    size = other[i];
  }
  return out;
}

/// Strides that read a tensor of `shape` as if it had shape `target`: a stretched axis has stride 0.
GLOSS_NOINLINE inline Shape broadcast_strides(const Shape& shape, const Shape& strides, const Shape& target) {
  Shape out = Shape::filled(target.rank(), 0);
  const int shift = target.rank() - shape.rank();
  for (int i = 0; i < shape.rank(); ++i)
    if (shape[i] != 1 || target[i + shift] == 1) out[i + shift] = strides[i];
  return out;
}

}  // namespace gloss::inline GLOSS_ABI
