// The ambient state: whether the graph is recorded, and where random numbers come from. Both are chosen per thread, by
// guards; without one, random numbers come from the one stream that all threads share. Beside it are only the guard of
// anomaly mode (tensor/anomaly.hpp), the taps on modules (nn/taps.hpp) and the profile that listens
// (core/profile_scope.hpp).
#pragma once

#include <gloss/core/rng.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
inline thread_local bool grad_enabled = true;
inline thread_local Rng* current_rng = nullptr;
inline constinit SharedRng default_rng;
}  // namespace detail

/// Whether operations record a graph on this thread.
inline bool is_grad_enabled() { return detail::grad_enabled; }

/// The random stream in use on this thread: the innermost RngGuard's, else the process's default (seed 0), from which
/// all threads draw, each other numbers. Which thread gets which depends on their timing; where that matters, give each
/// a stream of its own: Rng rng(seed, number of the thread); RngGuard use(rng);
/// PyTorch: torch.default_generator
inline Rng& current_rng() { return detail::current_rng ? *detail::current_rng : detail::default_rng; }

/// Restarts the current stream from `seed`: without an RngGuard that of the whole process, whichever thread calls.
/// Threads that draw meanwhile get numbers of the old seed or of the new one.
/// PyTorch: torch.manual_seed
inline void manual_seed(std::uint64_t seed) { current_rng() = Rng(seed, current_rng().stream()); }

/// Sets grad mode for a scope. PyTorch: torch.set_grad_enabled
class [[nodiscard]] GradGuard {
 public:
  explicit GradGuard(bool enabled) : saved_(detail::grad_enabled) { detail::grad_enabled = enabled; }
  ~GradGuard() { detail::grad_enabled = saved_; }
  GradGuard(const GradGuard&) = delete;
  GradGuard& operator=(const GradGuard&) = delete;

 private:
  bool saved_;
};

/// No graph is recorded while it lives. PyTorch: torch.no_grad
class [[nodiscard]] NoGradGuard : GradGuard {
 public:
  NoGradGuard() : GradGuard(false) {}
};

/// Draws come from `rng` while it lives; the guard refers to it, so rng must outlive the guard.
class [[nodiscard]] RngGuard {
 public:
  explicit RngGuard(Rng& rng) : saved_(detail::current_rng) { detail::current_rng = &rng; }
  ~RngGuard() { detail::current_rng = saved_; }
  RngGuard(const RngGuard&) = delete;
  RngGuard& operator=(const RngGuard&) = delete;

 private:
  Rng* saved_;
};

}  // namespace gloss::inline GLOSS_ABI
