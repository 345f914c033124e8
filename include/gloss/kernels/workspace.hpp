// Scratch memory that each thread keeps.
#pragma once

#include <cstddef>
#include <new>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Scratch memory that grows and is kept: no allocation after the first use.
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { release(); }

  /// `count` elements, aligned to 64 bytes; what they held before is lost.
  template <class T>
  T* get(Index count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (bytes > capacity_) {
      release();
      data_ = ::operator new(bytes, alignment);
      capacity_ = bytes;
    }
    return static_cast<T*>(data_);
  }

 private:
  static constexpr std::align_val_t alignment{64};
  void release() {
    if (data_ != nullptr) ::operator delete(data_, alignment);
    data_ = nullptr;
    capacity_ = 0;
  }
  void* data_ = nullptr;
  std::size_t capacity_ = 0;
};

/// This thread's own: products keep a panel of B in the first and A in the second.
template <int slot>
Workspace& workspace() {
  thread_local Workspace space;
  return space;
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
