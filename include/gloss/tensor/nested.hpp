// Nested braces of any depth, as a Tensor is written in code.
#pragma once

#include <concepts>
#include <initializer_list>
#include <type_traits>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI {

/// A number or a list in braces. {{1}, {2}} is a list of two lists, never of two numbers.
template <class T>
class Nested {
 public:
  /// Any kind of number where T is floating point, a whole one where T is whole.
  template <class U>
    requires(std::same_as<U, T> || std::integral<U> || (std::floating_point<U> && !std::integral<T>))
  Nested(U number) {
    if constexpr (std::is_class_v<T> && !std::is_class_v<U>)  // bfloat16
      number_ = T(static_cast<float>(number));
    else
      number_ = static_cast<T>(number);
  }
  Nested(std::initializer_list<Nested> list) : list_(list), is_list_(true) {}

  /// The sizes that the first element of each level has.
  void append_sizes(Shape& shape) const {
    if (!is_list_) return;
    shape.push_back(static_cast<Index>(list_.size()));
    if (list_.size() > 0) list_.begin()->append_sizes(shape);
  }
  /// Writes the numbers in order.
  /// Errors: ShapeError where a list has not the size of its level.
  void write(const Shape& shape, int axis, T*& next) const {
    if (is_list_ != (axis < shape.rank())) fail<ShapeError>("tensor: braces differ in depth beside shape ", shape);
    if (!is_list_) {
      *next++ = number_;
      return;
    }
    const Index size = static_cast<Index>(list_.size());
    if (size != shape[axis]) fail<ShapeError>("tensor: rows differ in length: ", shape[axis], " and ", size);
    for (const Nested& entry : list_) entry.write(shape, axis + 1, next);
  }

 private:
  T number_{};
  std::initializer_list<Nested> list_;
  bool is_list_ = false;
};

}  // namespace gloss::inline GLOSS_ABI
