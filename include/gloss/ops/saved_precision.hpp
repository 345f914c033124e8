// The precision of what is saved for a backward
#pragma once

#include <gloss/kernels/bfloat16_pairs.hpp>
#include <gloss/tensor/saved_input.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// How tensors of float are kept from a forward to its backward.
enum class SavedPrecision : unsigned char {
  float32,   // as they are
  bfloat16,  // rounded to nearest, ties to even, in half the memory
};

namespace detail {
/// x as bfloat16.
class KeptInBfloat16 final : public Rebuild<float> {
 public:
  explicit KeptInBfloat16(const Tensor<float>& x)
      : Rebuild<float>(x), shape_(x.shape()), words_(empty<float>({kernels::bfloat16_words(x.numel())})) {
    kernels::pack_bfloat16(x.numel(), static_cast<const float*>(x.detach().contiguous().data()), words_.data());
  }

 private:
  Tensor<float> compute() const override {
    Tensor<float> x = empty<float>(shape_);
    kernels::unpack_bfloat16(x.numel(), static_cast<const float*>(words_.data()), x.data());
    return x;
  }
  Shape shape_;
  Tensor<float> words_;
};
GLOSS_LAZY Ref<Rebuild<float>> keep_in_bfloat16(const Tensor<float>& x) {
  constexpr Index few = 1024;  // numbers that are not worth it
  return x.numel() < few ? Ref<Rebuild<float>>() : Ref<Rebuild<float>>(new KeptInBfloat16(x));
}
}  // namespace detail

/// The precision in force.
inline SavedPrecision saved_precision() {
  const bool whole = detail::smaller_form.load(std::memory_order_relaxed) == nullptr;
  return whole ? SavedPrecision::float32 : SavedPrecision::bfloat16;
}

/// From now on ops of this process keep what only their backward reads in this precision, where it is most of what a
/// training step keeps: what linear layers and convolutions read, what activations, gates and norms read, queries,
/// keys, values and results of attention. Results of a forward are the same bits; gradients are those of the rounded
/// numbers, about 2^-9 off each, which products in bfloat16 would have rounded anyway. Leaves (parameters, what the
/// program itself made) and tensors below 1024 numbers stay as they are, and so do the scores that a loss keeps,
/// statistics, and what the program still holds; double is not concerned. A tensor that was changed in place after it
/// was saved is no error any more: its copy has the numbers from before.
/// PyTorch: what torch.autocast keeps; torch.autograd.graph.saved_tensors_hooks
inline void set_saved_precision(SavedPrecision precision) {
  detail::smaller_form.store(precision == SavedPrecision::float32 ? nullptr : detail::keep_in_bfloat16<>,
                             std::memory_order_relaxed);
}

/// The precision while it lives, for the whole process: what is recorded meanwhile keeps its form afterwards.
class [[nodiscard]] SavedPrecisionGuard {
 public:
  explicit SavedPrecisionGuard(SavedPrecision precision) : saved_(saved_precision()) { set_saved_precision(precision); }
  ~SavedPrecisionGuard() { set_saved_precision(saved_); }
  SavedPrecisionGuard(const SavedPrecisionGuard&) = delete;
  SavedPrecisionGuard& operator=(const SavedPrecisionGuard&) = delete;

 private:
  SavedPrecision saved_;
};

}  // namespace gloss::inline GLOSS_ABI
