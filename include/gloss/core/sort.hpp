// Sorting by number: one compiled sort for every kind of list, because each std::sort costs a tenth of a second to
// compile.
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
struct IndexOrder {
  const void* less;
  bool (*call)(const void* less, std::size_t a, std::size_t b);
  bool operator()(std::size_t a, std::size_t b) const {
    if (call(less, a, b)) return true;
    return !call(less, b, a) && a < b;
  }
};
GLOSS_LAZY GLOSS_NOINLINE std::vector<std::size_t> sorted_order(std::size_t n, IndexOrder order) {
  std::vector<std::size_t> numbers(n);
  for (std::size_t i = 0; i < n; ++i) numbers[i] = i;
  std::sort(numbers.begin(), numbers.end(), order);
  return numbers;
}
}  // namespace detail

/// The numbers 0 .. n - 1 in the order of the things they stand for: less(a, b) says whether thing a comes before thing
/// b; equals keep their order. For lists where a comparison may cost an indirect call.
template <class Less>
std::vector<std::size_t> sorted_order(std::size_t n, const Less& less) {
  return detail::sorted_order(
      n, {&less, [](const void* f, std::size_t a, std::size_t b) { return (*static_cast<const Less*>(f))(a, b); }});
}

}  // namespace gloss::inline GLOSS_ABI
