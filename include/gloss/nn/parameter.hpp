// Parameter and Buffer: the tensors a module owns.
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include <gloss/nn/member.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

template <Real T>
class Parameter;

namespace detail {
/// Whether any parameter of the process was ever tied: otherwise copies need not look for ties.
inline constinit std::atomic<bool> any_ties{false};

/// How a copied module gets the ties of its source, though members are copied one by one and a Parameter does not know
/// with what it is tied: before the members are copied, the module notes which of them are one tensor (begin). The
/// first of these that is copied leaves its copy for the others.
template <Real T>
class TieCopies {
 public:
  /// `parameters` of a module at `source` are about to be copied to one at `target`. Those within a larger module that
  /// is being copied are noted already.
  GLOSS_COLD static void begin(const void* source, const void* target,
                               const std::vector<const Parameter<T>*>& parameters) {
    forget([&](const Entry& e) { return e.source == source; });  // of a copy that was given up
    for (const Parameter<T>* p : parameters) {
      const auto is_partner = [&](const Parameter<T>* other) { return other != p && other->is_same(*p); };
      if (std::any_of(parameters.begin(), parameters.end(), is_partner) && !find(*p))
        first = new Entry{p, source, target, *p, {}, first};
    }
  }
  /// The module at `target` is gone.
  static void end(const void* target) {
    forget([&](const Entry& e) { return e.target == target; });
  }
  /// The tensor that `p` is to be copied to, if one that it is tied with was copied before it.
  GLOSS_COLD static Tensor<T> copy_for(const Parameter<T>& p) {
    const Entry* const entry = find(p);
    return entry ? entry->copy : Tensor<T>();
  }
  /// `p` was copied to this tensor.
  GLOSS_COLD static void copied(const Parameter<T>& p, const Tensor<T>& copy) {
    const Entry* const entry = find(p);
    if (!entry) return;
    for (Entry* e = first; e; e = e->next)
      if (e->target == entry->target && e->original.is_same(p)) e->copy = copy;
    forget([&](const Entry& e) { return &e == entry; });
  }

 private:
  struct Entry {
    const Parameter<T>* parameter;
    const void *source, *target;
    Tensor<T> original, copy;
    Entry* next;
  };
  inline static constinit thread_local Entry* first = nullptr;

  static const Entry* find(const Parameter<T>& p) {
    for (const Entry* e = first; e; e = e->next)
      if (e->parameter == &p && e->original.is_same(p)) return e;
    return nullptr;
  }
  template <class Which>
  static void forget(Which which) {
    for (Entry** at = &first; *at;)
      if (which(**at))
        delete std::exchange(*at, (*at)->next);
      else
        at = &(*at)->next;
  }
};
}  // namespace detail

/// A trainable tensor that belongs to a module. Unlike a Tensor, which shares, copying a Parameter copies its numbers,
/// so that modules are ordinary values; those that are tied within a module are tied in its copy as well. Moving keeps
/// the tensor, so handles that an optimizer holds stay valid.
/// PyTorch: torch.nn.Parameter
template <Real T>
class Parameter : public Tensor<T>, public detail::Member<Parameter<T>> {
 public:
  Parameter() = default;
  explicit Parameter(const Tensor<T>& data) : Tensor<T>(data.detach()) { this->requires_grad_(); }
  Parameter(const Parameter& other) : Tensor<T>(copy_of(other)), detail::Member<Parameter<T>>(other) {}
  Parameter(Parameter&&) noexcept = default;
  /// Copies the numbers into the tensor already here when the shapes agree, so that handles and the ties that there are
  /// survive.
  Parameter& operator=(const Parameter& other) {
    if (this == &other) return *this;
    if (this->defined() && other.defined() && this->shape() == other.shape() && !this->storage()->is_packed() &&
        !other.storage()->is_packed()) {
      NoGradGuard no_grad;
      this->copy_(other.detach());
      if (detail::any_ties.load(std::memory_order_relaxed)) detail::TieCopies<T>::copied(other, *this);
    } else {
      Tensor<T>::operator=(copy_of(other));
    }
    return *this;
  }
  Parameter& operator=(Parameter&&) noexcept = default;

  /// Makes this the same tensor as `other`: one set of numbers, one gradient.
  /// Errors: ShapeError when the shapes differ.
  void tie(const Parameter& other) {
    if (this->shape() != other.shape())
      fail<ShapeError>("tie: shape ", this->shape(), " cannot be tied to ", other.shape());
    Tensor<T>::operator=(other);
    detail::any_ties.store(true, std::memory_order_relaxed);
  }

 private:
  GLOSS_NOINLINE static Tensor<T> copy_of(const Parameter& other) {
    if (!other.defined()) return {};
    const bool may_be_tied = detail::any_ties.load(std::memory_order_relaxed);
    if (may_be_tied)
      if (Tensor<T> copy = detail::TieCopies<T>::copy_for(other); copy.defined()) {
        detail::TieCopies<T>::copied(other, copy);
        return copy;
      }
    Tensor<T> data = other.storage()->is_packed() ? other.detach() : other.detach().clone();
    data.requires_grad_(other.requires_grad());
    if (may_be_tied) detail::TieCopies<T>::copied(other, data);
    return data;
  }
};

struct BufferOptions {
  bool persistent = true;  // part of the state dict
};

/// A tensor that belongs to a module and its state dict but is not trained. Copying copies its numbers. Besides the
/// module's own type it may hold int64 (counts, indices) or bool (masks).
/// PyTorch: register_buffer
template <class T>
  requires Real<T> || std::same_as<T, std::int64_t> || std::same_as<T, bool>
class Buffer : public Tensor<T>, public detail::Member<Buffer<T>> {
 public:
  Buffer() = default;
  explicit Buffer(const Tensor<T>& data, BufferOptions options = {})
      : Tensor<T>(data.detach()), is_persistent_(options.persistent) {}
  Buffer(const Buffer& other)
      : Tensor<T>(copy_of(other)), detail::Member<Buffer<T>>(other), is_persistent_(other.is_persistent_) {}
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(const Buffer& other) {
    if (this == &other) return *this;
    Tensor<T>::operator=(copy_of(other));
    is_persistent_ = other.is_persistent_;
    return *this;
  }
  Buffer& operator=(Buffer&&) noexcept = default;

  /// Whether it is part of the state dict.
  bool is_persistent() const { return is_persistent_; }

 private:
  GLOSS_NOINLINE static Tensor<T> copy_of(const Buffer& other) {
    return other.defined() ? other.detach().clone() : Tensor<T>{};
  }
  bool is_persistent_ = true;
};

}  // namespace gloss::inline GLOSS_ABI::nn
