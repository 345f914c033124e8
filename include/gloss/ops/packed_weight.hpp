// The shared part of ops with a weight that may be kept in another form than its numbers.
#pragma once

#include <type_traits>

#include <gloss/kernels/gemm/naive.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// The memory of a weight W [n, k] of which another form is kept than its numbers, as nn/quantize.hpp makes it. The
/// tensor on it has W's shape, and reads NaN everywhere.
class PackedWeight : public Storage {
 public:
  /// y = finish(act(x W^T + bias)).
  /// Shape: x [rows, k], dense; y [rows, n] with rows ldy apart
  virtual void linear(Index rows, const float* x, float* y, Index ldy, const kernels::Epilogue<float>& end) const = 0;
  /// y = scale * W[ids].
  /// Shape: ids [rows], all in [0, n); y [rows, k], dense
  virtual void rows_of(Index rows, const std::int64_t* ids, float* y, float scale) const = 0;

  /// Rows [first, first + count) of W as a weight of its own, on the same memory.
  /// Errors: Error where this form cannot be cut so.
  virtual Tensor<float> part(Index first, Index count) const {
    fail("PackedWeight: rows ", first, " to ", first + count, " are no weight of their own");
  }

 protected:
  PackedWeight() : Storage([](Storage* self) { delete static_cast<PackedWeight*>(self); }, true) {}
  virtual ~PackedWeight() = default;
};

/// The other form of a weight, or null where it has numbers.
template <class T>
const PackedWeight* packed_weight(const Tensor<T>& weight) {
  if constexpr (std::is_same_v<T, float>)
    if (weight.storage()->is_packed()) [[unlikely]]
      return static_cast<const PackedWeight*>(weight.storage());
  return nullptr;
}

/// Rows [begin, end) of a weight, in the graph where it has numbers.
template <class T>
Tensor<T> rows_of_weight(const Tensor<T>& weight, Index begin, Index end) {
  if (begin == 0 && end == weight.size(0)) return weight;
  if constexpr (std::is_same_v<T, float>)
    if (const PackedWeight* const packed = packed_weight(weight)) return packed->part(begin, end - begin);
  return weight.slice(0, begin, end);
}

/// Such a weight gives x no gradient.
template <class T>
void check_packed(const char* op, const Tensor<T>& x) {
  if (will_record({x})) fail<GradError>(op, ": x requires a gradient, which a quantized weight does not give");
}

}  // namespace gloss::inline GLOSS_ABI::detail
