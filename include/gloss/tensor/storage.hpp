// The memory under tensors: aligned to 64 bytes, counted, and recycled instead of given back to the system.
#pragma once

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#ifndef _WIN32
#include <pthread.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

#include <gloss/core/build_notice.hpp>
#include <gloss/core/error.hpp>
#include <gloss/core/float_rules.hpp>
#include <gloss/core/ref.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/core/spin_lock.hpp>

namespace gloss::inline GLOSS_ABI {

/// What the tensor memory pool holds, in bytes.
struct MemoryStats {
  std::size_t in_use = 0;    // held by live tensors
  std::size_t peak = 0;      // the largest in_use so far
  std::size_t cached = 0;    // free, kept for reuse
  std::size_t requests = 0;  // blocks asked from the system so far; stands still once a loop is warm
};

inline constexpr std::size_t storage_alignment = 64;

/// A block of raw memory. The header fills one alignment unit, the data follow; or they are somebody else's, and stand
/// elsewhere (ForeignStorage).
class alignas(storage_alignment) Storage : public RefCounted {
 public:
  std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }  // of the pool's blocks only
  std::size_t capacity() const { return capacity_; }
  /// Whether others may read and write this memory, so that being the only tensor on it means nothing.
  bool is_foreign() const { return drop_ != nullptr; }
  /// Whether it is a detail::PackedWeight (ops/packed_weight.hpp), which nobody writes: a copied Parameter shares it.
  bool is_packed() const { return is_packed_; }

  /// Grows with every change in place of any tensor on this memory. Threads that write at the same time may share a
  /// number: only that it differs from an older one counts.
  std::uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  /// The op that made the last change in place, or null.
  const char* changed_by() const { return changed_by_.load(std::memory_order_relaxed); }
  void mark_changed(const char* op) const {
    version_.store(version() + 1, std::memory_order_relaxed);
    changed_by_.store(op, std::memory_order_relaxed);
  }
  /// For memory that takes over what stood in another's.
  void set_version(std::uint32_t version) const { version_.store(version, std::memory_order_relaxed); }

 protected:
  /// Memory that is not the pool's; `drop` deletes this object and so gives up what keeps the memory alive.
  explicit Storage(void (*drop)(Storage*), bool packed = false) : drop_(drop), is_packed_(packed) {}

 private:
  friend class StoragePool;
  friend void destroy(Storage* block);
  Storage() = default;
  void (*drop_)(Storage*) = nullptr;
  mutable std::atomic<std::uint32_t> version_{0};
  std::uint32_t freed_in_ = 0;  // the number of sweeps when it was last given back to the pool
  std::size_t capacity_ = 0;
  mutable std::atomic<const char*> changed_by_{nullptr};
  std::uint8_t size_class_ = 0;
  bool is_packed_ = false;
  bool is_free_ = false;
  bool is_spare_ = false;  // given out only when all others of its class are in use
  Storage* next_free_ = nullptr;
  struct Region* region_ = nullptr;  // that it was cut from, or null
};
static_assert(sizeof(Storage) == storage_alignment);

/// Memory from which blocks are cut, in huge pages where the system has them: a matrix that is read once, as in
/// decoding, comes twice as fast as from small pages.
struct Region {
  Region* next = nullptr;
  std::byte* memory = nullptr;
  std::size_t size = 0, cut = 0;  // bytes, and how many of them are blocks
  bool idle = false;              // whether the last sweep found nothing in it that is to be kept
};

/// Free blocks by size class (four classes per power of two, so at most a quarter is wasted). Every so many allocations
/// a sweep gives back what has lain unused for at least as many.
class StoragePool {
 public:
  /// Never destroyed, so that static tensors may die at any time; the pointer keeps it reachable.
  GLOSS_NOINLINE static StoragePool& instance() {
    static StoragePool* const pool = new StoragePool;
    return *pool;
  }

  GLOSS_NOINLINE Ref<Storage> allocate(std::size_t bytes) {
    const int c = size_class(bytes);
    Storage* block = take_free(c);
    if (!block && !(block = cut_block(c))) block = new_block(c, bytes);
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(block->data() + bytes, block->capacity_ - bytes);  // what a size class adds is not its
#endif
    block->set_version(0);
    block->changed_by_.store(nullptr, std::memory_order_relaxed);
    return Ref<Storage>(block);
  }

  GLOSS_NOINLINE void recycle(Storage* block) {
    const detail::SpinLock lock(busy_);
    SizeClass& of = classes_[block->size_class_];
    --of.used;
    stats_.in_use -= block->capacity_;
#if defined(__SANITIZE_ADDRESS__)
    free_block(block);  // a recycled block would hide a use after free
#else
    stats_.cached += block->capacity_;
    block->is_free_ = true;
    block->freed_in_ = sweeps_;
    Storage*& list = block->is_spare_ ? of.spare : of.free;
    block->next_free_ = list;
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
    return stats_;
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

  // count_used, make_block, count_request and sweep are called with the lock held.
  Storage* count_used(Storage* block) {
    SizeClass& of = classes_[block->size_class_];
    if (++of.used > of.most) of.most = of.used;
    stats_.in_use += block->capacity_;
    if (stats_.in_use > stats_.peak) stats_.peak = stats_.in_use;
    return block;
  }
  Storage* take_free(int c) {
    const detail::SpinLock lock(busy_);
    if (++since_sweep_ > sweep_period_ && sweep_period_ > 0) sweep(false);
    SizeClass& of = classes_[c];
    Storage*& list = of.free ? of.free : of.spare;
    Storage* const block = list;
    if (!block) return nullptr;
    list = block->next_free_;
    block->is_free_ = false;
    stats_.cached -= block->capacity_;
    return count_used(block);
  }
  Storage* make_block(void* memory, int c) {
    auto* const block = ::new (memory) Storage;
    block->capacity_ = class_bytes(c);
    block->size_class_ = static_cast<std::uint8_t>(c);
    return count_used(block);
  }
  /// Takes note of memory that comes from the system. If a sweep gave back what is wanted now, sweeps come too often: a
  /// loop with more allocations than they have between them would ask again in each round.
  void count_request(int c) {
    ++stats_.requests;
    const std::uint32_t given_back_in = std::exchange(classes_[c].given_back_in, 0);
    if (given_back_in == 0 || sweeps_ - given_back_in > 64 || std::exchange(is_regretted_, true)) return;
    if (sweep_period_ < longest_period) sweep_period_ *= 2;
  }

  GLOSS_COLD Storage* new_block(int c, std::size_t bytes) {
    const auto ask = [&] {
      return ::operator new (sizeof(Storage) + class_bytes(c), std::align_val_t{storage_alignment}, std::nothrow);
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
  static void free_block(Storage* block) {
    const bool alone = !block->region_;
    block->~Storage();
    if (alone) ::operator delete (static_cast<void*>(block), std::align_val_t{storage_alignment});
  }

  static constexpr std::size_t stagger = 1536;  // between the blocks of a region
  static constexpr std::size_t huge_page = std::size_t{2} << 20;
  static constexpr std::size_t region_size = 16 * huge_page + (std::size_t{1} << 16);  // and room for the headers

  /// A block of a region, of a new one where none has room for it; null for blocks that have memory of their
  /// own: small ones, those that would fill most of a region, and all where there are no huge pages to ask for.
  GLOSS_COLD Storage* cut_block([[maybe_unused]] int c) {
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
    const std::size_t bytes = sizeof(Storage) + class_bytes(c);
    if (bytes < (std::size_t{1} << 16) || bytes > region_size / 2) return nullptr;
    for (;;) {
      {
        const detail::SpinLock lock(busy_);
        for (Region* region = regions_; region; region = region->next) {
          if (region->size - region->cut < bytes) continue;
          Storage* const block = make_block(region->memory + region->cut, c);
          // Blocks of equal size must not lie alike modulo a page: a pass that reads one and writes the next waits.
          region->cut = region->size - region->cut < bytes + stagger ? region->size : region->cut + bytes + stagger;
          block->region_ = region;
          return block;
        }
      }
      auto* const region = new (std::nothrow) Region;
      void* const memory = ::operator new (region_size, std::align_val_t{huge_page}, std::nothrow);
      if (!memory || !region) {
        ::operator delete (memory, std::align_val_t{huge_page});
        delete region;
        return nullptr;
      }
      madvise(memory, region_size, MADV_HUGEPAGE);
      region->memory = static_cast<std::byte*>(memory);
      region->size = region_size;
      const detail::SpinLock lock(busy_);
      Region** last = &regions_;
      while (*last) last = &(*last)->next;
      *last = region;
      count_request(c);
    }
#else
    return nullptr;
#endif
  }

  /// Gives back what has not been used since the sweep before this one, or all that is free; a region only as a whole.
  /// So that regions fall empty, blocks beyond what was in use at once are spare, those of the latest regions first.
  GLOSS_COLD void sweep(bool all) {
    since_sweep_ = 0;
    is_regretted_ = false;
    ++sweeps_;
    const auto is_idle = [&](const Storage& block) { return all || sweeps_ - block.freed_in_ > 1; };
    Index seen[n_classes] = {};
    for (Region* region = regions_; region; region = region->next) {
      region->idle = true;
      for (std::size_t at = 0; at < region->cut;) {
        Storage& block = *reinterpret_cast<Storage*>(region->memory + at);
        region->idle = region->idle && block.is_free_ && is_idle(block);
        block.is_spare_ = ++seen[block.size_class_] > classes_[block.size_class_].most;
        at += sizeof(Storage) + block.capacity_ + stagger;
      }
    }
    for (SizeClass& of : classes_) {
      of.most = of.used;
      Storage* lists[] = {std::exchange(of.free, nullptr), std::exchange(of.spare, nullptr)};
      Storage **end_free = &of.free, **end_spare = &of.spare;
      for (Storage* next : lists)
        while (Storage* const block = next) {
          next = block->next_free_;
          if (block->region_ ? block->region_->idle : is_idle(*block)) {
            of.given_back_in = sweeps_;
            stats_.cached -= block->capacity_;
            free_block(block);
            continue;
          }
          Storage**& end = block->is_spare_ ? end_spare : end_free;
          *end = block;
          end = &block->next_free_;
          *end = nullptr;
        }
    }
    for (Region** link = &regions_; *link;) {
      Region* const region = *link;
      if (!region->idle) {
        link = &region->next;
        continue;
      }
      *link = region->next;
      ::operator delete (static_cast<void*>(region->memory), std::align_val_t{huge_page});
      delete region;
    }
  }

  // Class 4k + j holds (4 + j) * 2^(k + 4) bytes: 64, 80, 96, 112, 128, 160, ...
  static int size_class(std::size_t bytes) {
    if (bytes <= 64) return 0;
    if (bytes > (std::size_t{1} << 60)) fail("storage: ", bytes, " bytes are more than memory can hold");
    const std::size_t last = bytes - 1;
    const int k = static_cast<int>(std::bit_width(last)) - 3;  // leaves the three leading bits
    return 4 * (k - 4) + static_cast<int>(last >> k) - 4 + 1;
  }
  static std::size_t class_bytes(int c) { return std::size_t{4u + static_cast<unsigned>(c % 4)} << (c / 4 + 4); }

  static constexpr int n_classes = 256;
  static constexpr Index longest_period = Index{1} << 20;
  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  SizeClass classes_[n_classes];
  Region* regions_ = nullptr;                    // the oldest first
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
