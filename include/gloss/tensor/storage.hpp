// The memory under tensors: aligned to 64 bytes, counted, and recycled instead of given back to the system.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#ifndef _WIN32
#include <pthread.h>
#endif

#include <gloss/core/build_notice.hpp>
#include <gloss/core/error.hpp>
#include <gloss/core/float_rules.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/core/spin_lock.hpp>
#include <gloss/tensor/large_blocks.hpp>

namespace gloss::inline GLOSS_ABI {

/// What the tensor memory pool holds, in bytes.
struct MemoryStats {
  std::size_t in_use = 0;    // held by live tensors
  std::size_t peak = 0;      // the largest in_use so far
  std::size_t cached = 0;    // free, kept for reuse
  std::size_t requests = 0;  // blocks asked from the system so far; stands still once a loop is warm
};

/// Free blocks by size class (four classes per power of two, so at most a quarter is wasted), and large ones. Every so
/// many allocations a sweep gives back what has lain unused for at least as many.
class StoragePool {
 public:
  /// Never destroyed, so that static tensors may die at any time; the pointer keeps it reachable.
  GLOSS_NOINLINE static StoragePool& instance() {
    static StoragePool* const pool = new StoragePool;
    return *pool;
  }

  GLOSS_NOINLINE Ref<Storage> allocate(std::size_t bytes) {
    if (bytes > (std::size_t{1} << 60)) fail("storage: ", bytes, " bytes are more than memory can hold");
    Storage* block = nullptr;
    if (detail::has_regions && bytes > detail::LargeBlocks::least) {
      block = take_large(bytes);
    } else {
      const int c = detail::size_class(bytes);
      block = take_free(c);
      if (!block && !(block = cut_block(c))) block = new_block(c, bytes);
    }
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(block->data() + bytes, block->capacity_ - bytes);  // what a size class adds is not its
#endif
    block->set_version(0);
    block->changed_by_.store(nullptr, std::memory_order_relaxed);
    return Ref<Storage>(block);
  }

  GLOSS_NOINLINE void recycle(Storage* block) {
    const detail::SpinLock lock(busy_);
    stats_.in_use -= block->capacity_;
    if (block->size_class_ == detail::LargeBlocks::mark) return large_.put(block, sweeps_);
    SizeClass& of = classes_[block->size_class_];
    --of.used;
#if defined(__SANITIZE_ADDRESS__)
    free_block(block);  // a recycled block would hide a use after free
#else
    stats_.cached += block->capacity_;
    block->is_free_ = true;
    block->freed_in_ = sweeps_;
    Storage*& list = block->is_spare_ ? of.spare : of.free;
    block->next_ = list;
    list = block;
#endif
  }

  /// Gives free blocks back to the system, except for those in a region that others are still in use of.
  void trim() {
    const detail::SpinLock lock(busy_);
    sweep(true);
  }

  void set_sweep_period(Index allocations) {
    if (allocations < 0) fail("set_cache_sweep: ", allocations, " allocations");
    const detail::SpinLock lock(busy_);
    sweep_period_ = allocations;
    since_sweep_ = 0;
  }

  MemoryStats stats() {
    const detail::SpinLock lock(busy_);
    MemoryStats all = stats_;
    all.cached += large_.cached();
    return all;
  }
  void reset_peak() {
    const detail::SpinLock lock(busy_);
    stats_.peak = stats_.in_use;
  }

 private:
  struct SizeClass {
    Storage *free = nullptr, *spare = nullptr;  // lists, the latest first
    Index used = 0, most = 0;                   // blocks in use, and the most since the last sweep
    std::uint32_t given_back_in = 0;            // the last sweep that gave one back, or 0
  };

  GLOSS_COLD StoragePool() {
    detail::require_float_rules();
    detail::give_build_notice();
    read_settings();
#ifndef _WIN32  // a fork waits until no thread is in here, so that its child finds whole lists and nobody's lock
    constexpr auto release = [] { instance().busy_.clear(std::memory_order_release); };
    pthread_atfork(
        [] {
          while (instance().busy_.test_and_set(std::memory_order_acquire)) {
          }
        },
        release, release);
#endif
  }
  GLOSS_COLD void read_settings() {
#ifdef _MSC_VER
#pragma warning(suppress : 4996)
#endif
    const char* const period = std::getenv("GLOSS_CACHE_SWEEP");
    if (!period || !*period) return;
    char* end = nullptr;
    errno = 0;
    const long long number = std::strtoll(period, &end, 10);
    if (*end != '\0' || number < 0 || errno != 0)
      fail("GLOSS_CACHE_SWEEP: '", period, "' is not a number of allocations");
    sweep_period_ = number;
  }

  // Those that begin with count and make, and sweep, are called with the lock held.
  Storage* count_used(Storage* block) {
    SizeClass& of = classes_[block->size_class_];
    if (++of.used > of.most) of.most = of.used;
    count_bytes(block->capacity_);
    return block;
  }
  void count_bytes(std::size_t bytes) {
    stats_.in_use += bytes;
    if (stats_.in_use > stats_.peak) stats_.peak = stats_.in_use;
  }
  void count_allocation() {
    if (++since_sweep_ > sweep_period_ && sweep_period_ > 0) sweep(false);
  }
  Storage* take_free(int c) {
    const detail::SpinLock lock(busy_);
    count_allocation();
    SizeClass& of = classes_[c];
    Storage*& list = of.free ? of.free : of.spare;
    Storage* const block = list;
    if (!block) return nullptr;
    list = block->next_;
    block->is_free_ = false;
    stats_.cached -= block->capacity_;
    return count_used(block);
  }
  Storage* make_block(void* memory, int c) {
    auto* const block = ::new (memory) Storage;
    block->capacity_ = detail::class_bytes(c);
    block->size_class_ = static_cast<std::uint8_t>(c);
    return count_used(block);
  }
  /// Takes note of memory that comes from the system. If a sweep gave back what is wanted now, sweeps come too often: a
  /// loop with more allocations than they have between them would ask again in each round.
  void count_request(int c) {
    ++stats_.requests;
    const std::uint32_t given_back_in = std::exchange(classes_[c].given_back_in, 0);  // of all large blocks together
    if (given_back_in == 0 || sweeps_ - given_back_in > 64 || std::exchange(is_regretted_, true)) return;
    if (sweep_period_ < longest_period) sweep_period_ *= 2;
  }

  GLOSS_COLD Storage* new_block(int c, std::size_t bytes) {
    const auto ask = [&] {
      return ::operator new (sizeof(Storage) + detail::class_bytes(c), std::align_val_t{storage_alignment},
                             std::nothrow);
    };
    void* memory = ask();
    if (!memory) {
      trim();
      memory = ask();
    }
    if (!memory) fail("storage: out of memory asking for ", bytes, " bytes");
    const detail::SpinLock lock(busy_);
    count_request(c);
    return make_block(memory, c);
  }
  GLOSS_COLD Storage* take_large(std::size_t bytes) {
    const std::size_t capacity = detail::LargeBlocks::capacity_for(bytes);
    for (bool trimmed = false;;) {
      {
        const detail::SpinLock lock(busy_);
        count_allocation();
        if (Storage* const block = large_.take(capacity)) {
          count_bytes(block->capacity_);
          return block;
        }
      }
      if (Region* const region = detail::ask_region(detail::LargeBlocks::region_for(capacity))) {
        const detail::SpinLock lock(busy_);
        large_.add(region, sweeps_);
        count_request(detail::LargeBlocks::mark);
      } else if (std::exchange(trimmed, true)) {
        fail("storage: out of memory asking for ", bytes, " bytes");
      } else {
        trim();
      }
    }
  }
  static void free_block(Storage* block) {
    const bool alone = !block->region_;
    block->~Storage();
    if (alone) ::operator delete (static_cast<void*>(block), std::align_val_t{storage_alignment});
  }

  /// A block of a region, of a new one where none has room for it; null for blocks that have memory of their
  /// own: small ones, and all where there are no huge pages to ask for.
  GLOSS_COLD Storage* cut_block(int c) {
    const std::size_t bytes = sizeof(Storage) + detail::class_bytes(c);
    if (!detail::has_regions || bytes < (std::size_t{1} << 16)) return nullptr;
    for (;;) {
      {
        const detail::SpinLock lock(busy_);
        for (Region* region = regions_; region; region = region->next) {
          if (region->size - region->cut < bytes) continue;
          Storage* const block = make_block(region->memory + region->cut, c);
          region->cut = region->size - region->cut < bytes + detail::stagger ? region->size
                                                                             : region->cut + bytes + detail::stagger;
          block->region_ = region;
          return block;
        }
      }
      Region* const region = detail::ask_region(detail::region_size);
      if (!region) return nullptr;
      const detail::SpinLock lock(busy_);
      detail::append(regions_, region);
      count_request(c);
    }
  }

  /// Gives back what has not been used since the sweep before this one, or all that is free; a region only as a whole.
  /// So that regions fall empty, blocks beyond what was in use at once are spare, those of the latest regions first.
  GLOSS_COLD void sweep(bool all) {
    since_sweep_ = 0;
    is_regretted_ = false;
    ++sweeps_;
    const auto is_idle = [&](const Storage& block) { return all || sweeps_ - block.freed_in_ > 1; };
    Index seen[detail::n_size_classes] = {};
    for (Region* region = regions_; region; region = region->next) {
      region->idle = true;
      for (std::size_t at = 0; at < region->cut;) {
        Storage& block = *reinterpret_cast<Storage*>(region->memory + at);
        region->idle = region->idle && block.is_free_ && is_idle(block);
        block.is_spare_ = ++seen[block.size_class_] > classes_[block.size_class_].most;
        at += sizeof(Storage) + block.capacity_ + detail::stagger;
      }
    }
    for (SizeClass& of : classes_) {
      of.most = of.used;
      Storage* lists[] = {std::exchange(of.free, nullptr), std::exchange(of.spare, nullptr)};
      Storage **end_free = &of.free, **end_spare = &of.spare;
      for (Storage* next : lists)
        while (Storage* const block = next) {
          next = block->next_;
          if (block->region_ ? block->region_->idle : is_idle(*block)) {
            of.given_back_in = sweeps_;
            stats_.cached -= block->capacity_;
            free_block(block);
            continue;
          }
          Storage**& end = block->is_spare_ ? end_spare : end_free;
          *end = block;
          end = &block->next_;
          *end = nullptr;
        }
    }
    for (Region** link = &regions_; *link;)
      if ((*link)->idle)
        *link = detail::drop_region(*link);
      else
        link = &(*link)->next;
    if (large_.give_back(is_idle)) classes_[detail::LargeBlocks::mark].given_back_in = sweeps_;
  }

  static constexpr Index longest_period = Index{1} << 20;
  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  SizeClass classes_[detail::n_size_classes];
  Region* regions_ = nullptr;  // of blocks that have a class, the oldest first
  detail::LargeBlocks large_;
  Index sweep_period_ = 8192, since_sweep_ = 0;  // allocations
  std::uint32_t sweeps_ = 0;
  bool is_regretted_ = false;  // whether something was asked for again that a sweep gave back, since the last one
  MemoryStats stats_;
};

inline void destroy(Storage* block) {
  if (block->drop_)
    block->drop_(block);
  else
    StoragePool::instance().recycle(block);
}

/// Stands for memory that `owner` keeps alive: it dies with the last tensor on that memory.
template <class Owner>
class ForeignStorage final : public Storage {
 public:
  explicit ForeignStorage(Owner owner)
      : Storage([](Storage* self) { delete static_cast<ForeignStorage*>(self); }), owner_(std::move(owner)) {}

 private:
  [[no_unique_address]] Owner owner_;
};

/// Memory held by tensors on all threads. PyTorch: torch.cuda.memory_stats
inline MemoryStats memory_stats() { return StoragePool::instance().stats(); }
/// Starts the peak anew from what is in use now.
inline void reset_peak_memory() { StoragePool::instance().reset_peak(); }
/// Gives recycled memory back to the system. PyTorch: torch.cuda.empty_cache
inline void empty_cache() { StoragePool::instance().trim(); }
/// How long free memory is kept: once in so many allocations of tensors, what none of them and none of as many before
/// has used goes back to the system; 0 keeps all until empty_cache(). What has to be asked for again doubles the
/// number, up to 2^20. It is 8192, or GLOSS_CACHE_SWEEP in the environment.
/// Errors: Error for a negative number.
inline void set_cache_sweep(Index allocations) { StoragePool::instance().set_sweep_period(allocations); }

}  // namespace gloss::inline GLOSS_ABI
