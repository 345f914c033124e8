// Results that a backward computes again instead of keeping: what GELU or a norm gives is cheap to make from what its own
// backward saves, and as large as anything that a training step keeps.
#pragma once

#include <utility>

#include <gloss/tensor/record.hpp>

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
  RebuildBy(const Tensor<T>& result, const F& f) : Rebuild<T>(result) {
    const SavedTensors::Scope note(this->saved_);
    f_ = new F(f);  // a copy, which notes what it saves
  }
  ~RebuildBy() override { delete f_; }

 private:
  Tensor<T> compute() const override { return (*f_)(); }
  const F* f_;
};

/// Lets those that save y, the result of an op just recorded, save how f makes it again instead: f() gives the same
/// bits, from tensors that the op's closure holds as well.
template <class T, class F>
void offer_rebuild(const Tensor<T>& y, const F& f) {
  if (const NodeBase* const node = y.node())
    const_cast<Node<T>*>(static_cast<const Node<T>*>(node))->set_rebuild(Ref<Rebuild<T>>(new RebuildBy<T, F>(y, f)));
}

/// An input of an op as its closure saves it: the tensor, or how to make it again.
template <class T>
class SavedInput {
 public:
  /// Nothing unless `wanted`.
  explicit SavedInput(const Tensor<T>& x, bool wanted = true) {
    if (!wanted) return;
    const NodeBase* const node = x.node();
    Rebuild<T>* const rebuild = node ? static_cast<const Node<T>*>(node)->rebuild() : nullptr;
    if (rebuild && rebuild->makes(x))
      rebuild_ = Ref<Rebuild<T>>(rebuild);
    else
      x_ = x;
  }
  /// The tensor, which is input i of the op; in the graph where the backward is itself recorded.
  Tensor<T> get(const Grads& dx, int i) const { return rebuild_ ? dx.as_input(i, rebuild_->result(dx.op())) : x_; }

 private:
  Tensor<T> x_;
  Ref<Rebuild<T>> rebuild_;
};

}  // namespace gloss::inline GLOSS_ABI::detail
