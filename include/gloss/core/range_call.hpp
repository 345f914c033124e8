// The body of a parallel loop as the threads see it.
#pragma once

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// A borrowed callable f(begin, end), without its type: parallel_for is compiled once, not once for every loop body.
struct RangeCall {
  const void* object;
  void (*call)(const void* object, Index begin, Index end);
};

}  // namespace gloss::inline GLOSS_ABI::detail
