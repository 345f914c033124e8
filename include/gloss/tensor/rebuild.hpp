// Results that a backward computes again instead of keeping: what GELU or a norm gives is cheap to make from what its
// own backward saves, and as large as anything that a training step keeps.
#pragma once

#include <utility>

#include <gloss/tensor/overwrite.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// How an op's result is made again. It belongs to the op's node and to the closures that would else save the result.
template <class T>
class Rebuild : public RefCounted {
 public:
  virtual ~Rebuild() = default;

  /// Whether x is the result as the op gave it, and not changed in place since.
  bool makes(const Tensor<T>& x) const { return x.storage() == storage_ && x.version() == version_; }
  /// The result, outside the graph; made once for all closures that want it.
  /// Errors: GradError when what it is made of was changed in place.
  Tensor<T> result(const char* op) {
    if (made_.defined()) return is_last() ? std::exchange(made_, {}) : made_;
    saved_.check(op);
    const NoGradGuard no_grad;
    Tensor<T> made = compute();
    if (!is_last()) made_ = made;
    return made;
  }

 protected:
  explicit Rebuild(const Tensor<T>& result) : storage_(result.storage()), version_(result.version()) {}
  virtual Tensor<T> compute() const = 0;
  SavedTensors saved_;

 private:
  /// Whether only the node and the closure that asks are left.
  bool is_last() const { return this->owners() <= 2; }

  const Storage* storage_;  // compared, never followed
  std::uint32_t version_;
  Tensor<T> made_;
};
template <class T>
void destroy(Rebuild<T>* rebuild) {
  delete rebuild;
}

template <class T, class F>
class RebuildBy final : public Rebuild<T> {
 public:
  RebuildBy(const Tensor<T>& result, const F& f) : Rebuild<T>(result), f_(noted(this->saved_, f)) {}

 private:
  /// A copy, which notes what it saves.
  static F noted(SavedTensors& list, const F& f) {
    const SavedTensors::Scope note(list);
    return f;
  }
  Tensor<T> compute() const override { return f_(); }
  const F f_;
};

}  // namespace gloss::inline GLOSS_ABI::detail
