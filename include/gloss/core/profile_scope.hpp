// Where a profile listens: a scope around the work of an op, which costs the test of one pointer when nobody does.
#pragma once

#include <cstddef>
#include <initializer_list>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI {

/// What hears of ops as they begin and end on its thread: a Profile (tensor/profile.hpp).
class ProfileSink {
 public:
  virtual void begin(const char* op, bool backward) = 0;
  /// The scope that began last ends. `result` is the memory it wrote, if it says so.
  virtual void end(double flops, double bytes, const void* result) noexcept = 0;
  /// If the scope that ended last wrote to `result`, it was the work of this op.
  virtual void name(const char* op, const void* result) = 0;

 protected:
  ProfileSink() = default;
  ~ProfileSink() = default;
};

namespace detail {
inline thread_local ProfileSink* profile = nullptr;
}

/// The work of an op, from here to the end of the scope: `const` is not wanted, since flops() and bytes() may follow.
/// Each scope counts its own work and not that of scopes within it. A scope around shared code (a map, a reduction)
/// gets its op's name from record(), by the memory of the result that `makes` told.
class [[nodiscard]] ProfileScope {
 public:
  explicit ProfileScope(const char* op, bool backward = false) : sink_(detail::profile) {
    if (sink_) [[unlikely]]
      sink_->begin(op, backward);
  }
  ~ProfileScope() {
    if (sink_) [[unlikely]]
      sink_->end(flops_, bytes_, result_);
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

  /// Whether anybody listens: `if (scope) scope.bytes(...)` does not even ask for sizes otherwise.
  explicit operator bool() const { return sink_ != nullptr; }
  /// Adds the product of these factors to the floating-point operations.
  GLOSS_NOINLINE void flops(std::initializer_list<Index> factors) {
    double product = 1;
    for (const Index f : factors) product *= static_cast<double>(f);
    flops_ += product;
  }
  /// Adds arrays of so many elements to the bytes that must be read or written at least.
  GLOSS_NOINLINE void bytes(std::size_t element, std::initializer_list<Index> counts) {
    for (const Index n : counts) bytes_ += static_cast<double>(element) * static_cast<double>(n);
  }
  void makes(const void* result) { result_ = result; }

 private:
  ProfileSink* sink_;
  double flops_ = 0, bytes_ = 0;
  const void* result_ = nullptr;
};

}  // namespace gloss::inline GLOSS_ABI
