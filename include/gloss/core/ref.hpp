// An intrusive counted pointer: one word, one allocation for object and count.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI {

/// The count. Derive from it; Ref calls destroy(object), found by ADL, when the last owner goes.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void retain() const { refs_.fetch_add(1, std::memory_order_relaxed); }
  /// True when the caller was the last owner.
  bool release() const { return refs_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  bool unique() const { return owners() == 1; }
  /// How many there are now; others may come and go on other threads.
  int owners() const { return refs_.load(std::memory_order_acquire); }

 private:
  mutable std::atomic<int> refs_{0};
};

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  Ref(const Ref<U>& other) : Ref(static_cast<T*>(other.get())) {}
  ~Ref() {
    if (object_ && object_->release()) destroy(object_);
  }
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace gloss::inline GLOSS_ABI
