// Threads that make things ahead of time, handed out in order.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gloss/core/shape.hpp>
#include <gloss/core/thread_pool.hpp>

namespace gloss::inline GLOSS_ABI::data::detail {

/// Makes the things number `first` to `end` - 1 on `workers` threads, at most `ahead` of them before they are taken.
/// What make(number) throws, take() throws when it is that one's turn.
template <class T>
class Prefetcher {
 public:
  /// Errors: std::system_error when the system gives not even one thread; with fewer than asked for it goes on.
  Prefetcher(Index first, Index end, Index workers, Index ahead, std::function<T(Index)> make)
      : next_(first), taken_(first), end_(end), slots_(static_cast<std::size_t>(ahead)), make_(std::move(make)) {
    threads_.reserve(static_cast<std::size_t>(workers));
    for (Index i = 0; i < workers; ++i) try {
        threads_.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        if (threads_.empty()) throw;
        break;
      }
  }
  ~Prefetcher() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next thing; it must not be called when all are taken.
  T take() {
    Slot taken;
    {
      std::unique_lock lock(mutex_);
      Slot& slot = slot_of(taken_);
      ready_.wait(lock, [&] { return slot.value || slot.error; });
      std::swap(taken, slot);
      ++taken_;
    }
    room_.notify_one();
    if (taken.error) std::rethrow_exception(std::move(taken.error));
    return std::move(*taken.value);
  }

 private:
  struct Slot {
    std::optional<T> value;
    std::exception_ptr error;
  };
  Slot& slot_of(Index number) { return slots_[static_cast<std::size_t>(number) % slots_.size()]; }

  void work() {
    gloss::detail::in_loop = true;  // loops of a worker stay on it: the pool's threads are the training's
    for (;;) {
      std::unique_lock lock(mutex_);
      const Index ahead = static_cast<Index>(slots_.size());
      room_.wait(lock, [&] { return stop_ || next_ == end_ || next_ < taken_ + ahead; });
      if (stop_ || next_ == end_) return;
      const Index number = next_++;
      lock.unlock();
      Slot made;
      try {
        made.value.emplace(make_(number));
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();
      std::swap(slot_of(number), made);
      lock.unlock();
      ready_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable room_, ready_;
  Index next_, taken_, end_;  // the next to be made, the next to be taken
  std::vector<Slot> slots_;
  std::function<T(Index)> make_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gloss::inline GLOSS_ABI::data::detail
