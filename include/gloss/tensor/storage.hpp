// The memory under tensors: aligned to 64 bytes, counted, and recycled instead of given back to the system.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
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
  explicit Storage(void (*drop)(Storage*)) : drop_(drop) {}

 private:
  friend class StoragePool;
  friend void destroy(Storage* block);
  Storage() = default;
  void (*drop_)(Storage*) = nullptr;
  mutable std::atomic<std::uint32_t> version_{0};
  std::size_t capacity_ = 0;
  mutable std::atomic<const char*> changed_by_{nullptr};
  int size_class_ = 0;
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
  Index blocks = 0, idle = 0;     // blocks, and how many of them trim() has found free
};

/// Free blocks by size class (four classes per power of two, so at most a quarter is wasted).
class StoragePool {
 public:
  /// Never destroyed, so that static tensors may die at any time; the pointer keeps it reachable.
  GLOSS_NOINLINE static StoragePool& instance() {
    static StoragePool* const pool = new StoragePool;
    return *pool;
  }

  GLOSS_NOINLINE Ref<Storage> allocate(std::size_t bytes) {
    const int c = size_class(bytes);
    const std::size_t capacity = class_bytes(c);
    Storage* block = nullptr;
    {
      const SpinLock lock(busy_);
      stats_.in_use += capacity;
      if (stats_.in_use > stats_.peak) stats_.peak = stats_.in_use;
      if ((block = free_[c]) != nullptr) {
        free_[c] = block->next_free_;
        stats_.cached -= capacity;
      }
    }
    if (!block && !(block = cut_block(capacity))) block = new_block(capacity, bytes);
    block->capacity_ = capacity;
    block->size_class_ = c;
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(block->data() + bytes, capacity - bytes);  // what a size class adds is not the tensor's
#endif
    block->set_version(0);
    block->changed_by_.store(nullptr, std::memory_order_relaxed);
    return Ref<Storage>(block);
  }

  GLOSS_NOINLINE void recycle(Storage* block) {
    const SpinLock lock(busy_);
    stats_.in_use -= block->capacity_;
#if defined(__SANITIZE_ADDRESS__)
    free_block(block);  // a recycled block would hide a use after free
#else
    stats_.cached += block->capacity_;
    block->next_free_ = free_[block->size_class_];
    free_[block->size_class_] = block;
#endif
  }

  /// Gives free blocks back to the system, except for those in a region that others are still in use of.
  void trim() {
    const SpinLock lock(busy_);
    for (Storage* head : free_)
      for (; head; head = head->next_free_)
        if (head->region_) ++head->region_->idle;
    for (Storage*& head : free_)
      for (Storage** link = &head; *link;) {
        Storage* const block = *link;
        if (block->region_ && block->region_->idle < block->region_->blocks) {
          link = &block->next_free_;
          continue;
        }
        *link = block->next_free_;
        stats_.cached -= block->capacity_;
        free_block(block);
      }
    for (Region** link = &regions_; *link;) {
      Region* const region = *link;
      if (std::exchange(region->idle, 0) < region->blocks) {
        link = &region->next;
        continue;
      }
      *link = region->next;
      ::operator delete (static_cast<void*>(region->memory), std::align_val_t{huge_page});
      delete region;
    }
  }

  MemoryStats stats() {
    const SpinLock lock(busy_);
    return stats_;
  }
  void reset_peak() {
    const SpinLock lock(busy_);
    stats_.peak = stats_.in_use;
  }

 private:
  StoragePool() {
    detail::give_build_notice();
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

  GLOSS_COLD Storage* new_block(std::size_t capacity, std::size_t bytes) {
    void* memory = ::operator new (sizeof(Storage) + capacity, std::align_val_t{storage_alignment}, std::nothrow);
    const SpinLock lock(busy_);
    if (!memory) {
      stats_.in_use -= capacity;
      fail("storage: out of memory asking for ", bytes, " bytes");
    }
    ++stats_.requests;
    return ::new (memory) Storage;
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
  GLOSS_COLD Storage* cut_block([[maybe_unused]] std::size_t capacity) {
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
    const std::size_t bytes = sizeof(Storage) + capacity;
    if (bytes < (std::size_t{1} << 16) || bytes > region_size / 2) return nullptr;
    for (;;) {
      {
        const SpinLock lock(busy_);
        for (Region* region = regions_; region; region = region->next) {
          if (region->size - region->cut < bytes) continue;
          Storage* const block = ::new (region->memory + region->cut) Storage;
          // Blocks of equal size must not lie alike modulo a page: a pass that reads one and writes the next waits.
          region->cut = region->size - region->cut < bytes + stagger ? region->size : region->cut + bytes + stagger;
          ++region->blocks;
          block->region_ = region;
          return block;
        }
      }
      void* const memory = ::operator new (region_size, std::align_val_t{huge_page}, std::nothrow);
      if (!memory) return nullptr;
      madvise(memory, region_size, MADV_HUGEPAGE);
      auto* const region = new Region;
      region->memory = static_cast<std::byte*>(memory);
      region->size = region_size;
      const SpinLock lock(busy_);
      region->next = std::exchange(regions_, region);
      ++stats_.requests;
    }
#else
    return nullptr;
#endif
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

  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  Storage* free_[256] = {};
  Region* regions_ = nullptr;  // the latest first
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

}  // namespace gloss::inline GLOSS_ABI
