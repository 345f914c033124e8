// A block of the memory under tensors, the sizes that blocks have, and the regions that large ones are cut from.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

#include <gloss/core/error.hpp>
#include <gloss/core/ref.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
class LargeBlocks;
}

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
  friend class detail::LargeBlocks;
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
  bool is_spare_ = false;            // given out only when all others of its class are in use
  Storage* next_ = nullptr;          // in a list of free blocks; of a large block the one that ends where it begins
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

namespace detail {
inline constexpr int n_size_classes = 256;
/// Class 4k + j holds (4 + j) * 2^(k + 4) bytes: 64, 80, 96, 112, 128, 160, ...
inline int size_class(std::size_t bytes) {
  if (bytes <= 64) return 0;
  const std::size_t last = bytes - 1;
  const int k = static_cast<int>(std::bit_width(last)) - 3;  // leaves the three leading bits
  return 4 * (k - 4) + static_cast<int>(last >> k) - 4 + 1;
}
inline std::size_t class_bytes(int c) { return std::size_t{4u + static_cast<unsigned>(c % 4)} << (c / 4 + 4); }

// Blocks of equal size must not lie alike modulo a page: a pass that reads one and writes the next waits.
inline constexpr std::size_t page = 4096, stagger = 1536;
inline constexpr std::size_t huge_page = std::size_t{2} << 20;
inline constexpr std::size_t region_size = 16 * huge_page + (std::size_t{1} << 16);  // and room for the headers

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
inline constexpr bool has_regions = true;
/// Memory from the system, in huge pages where it has them; null when there is none.
inline Region* ask_region(std::size_t size) {
  auto* const region = new (std::nothrow) Region;
  void* const memory = ::operator new (size, std::align_val_t{huge_page}, std::nothrow);
  if (!memory || !region) {
    ::operator delete (memory, std::align_val_t{huge_page});
    delete region;
    return nullptr;
  }
  madvise(memory, size, MADV_HUGEPAGE);
  region->memory = static_cast<std::byte*>(memory);
  region->size = size;
  return region;
}
#else
inline constexpr bool has_regions = false;
inline Region* ask_region(std::size_t) { return nullptr; }
#endif
/// To the end of a list.
inline void append(Region*& list, Region* region) {
  Region** last = &list;
  while (*last) last = &(*last)->next;
  *last = region;
}
/// Gives it back to the system; the one behind it in its list.
inline Region* drop_region(Region* region) {
  Region* const next = region->next;
  ::operator delete (static_cast<void*>(region->memory), std::align_val_t{huge_page});
  delete region;
  return next;
}
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI
