// A lock for what takes nanoseconds; <mutex> is slow to compile.
#pragma once

#include <atomic>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// Holds a flag while it lives; others wait without sleeping.
class [[nodiscard]] SpinLock {
 public:
  explicit SpinLock(std::atomic_flag& busy) : busy_(busy) {
    while (busy_.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~SpinLock() { busy_.clear(std::memory_order_release); }
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

 private:
  std::atomic_flag& busy_;
};

}  // namespace gloss::inline GLOSS_ABI::detail
