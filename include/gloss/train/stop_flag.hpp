// A wish to stop, by Ctrl-C or by the program, that a loop looks at between steps.
#pragma once

#include <atomic>
#include <csignal>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// While one lives, SIGINT (Ctrl-C) and SIGTERM (a polite kill) raise the flag of the process instead of ending it; a
/// second one ends it at once. The first of several that live at a time lowers the flag, and the last to go puts the
/// old handlers back. They are for one thread.
///   train::StopFlag flag;
///   while (!train::StopFlag::is_raised()) step();
class [[nodiscard]] StopFlag {
 public:
  /// Without signals only raise() raises it.
  explicit StopFlag(bool on_signals = true) : on_signals_(on_signals) {
    if (living_++ == 0) raised_ = false;
    if (!on_signals_) return;
    previous_int_ = std::signal(SIGINT, handle);
    previous_term_ = std::signal(SIGTERM, handle);
  }
  ~StopFlag() {
    --living_;
    if (!on_signals_) return;
    std::signal(SIGINT, previous_int_);
    std::signal(SIGTERM, previous_term_);
  }
  StopFlag(const StopFlag&) = delete;
  StopFlag& operator=(const StopFlag&) = delete;

  /// Whether somebody wants a stop.
  static bool is_raised() { return raised_; }
  /// From anywhere: a logger, another thread.
  static void raise() { raised_ = true; }

 private:
  static void handle(int number) {
    raised_ = true;
    std::signal(number, SIG_DFL);
  }
  static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may set only such");
  inline static std::atomic<bool> raised_ = false;
  inline static int living_ = 0;

  using Handler = void (*)(int);
  bool on_signals_;
  Handler previous_int_ = SIG_DFL, previous_term_ = SIG_DFL;
};

}  // namespace gloss::inline GLOSS_ABI::train
