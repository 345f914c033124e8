// Large blocks of memory: as large as asked for, split, and grown together again with free neighbours. Size classes
// would waste an eighth of each, and keep what one class has freed from all others.
#pragma once

#include <gloss/tensor/storage_block.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// The free ones, and the regions of all: full of blocks from end to end, of which no two that follow each other are
/// free. The pool holds its lock around every call.
class LargeBlocks {
 public:
  static constexpr std::size_t least = std::size_t{1} << 20;  // a block above it is large
  static constexpr std::uint8_t mark = n_size_classes - 1;    // in the place of a size class

  /// What a block for so many bytes holds: with its header it fills pages and `stagger`.
  static std::size_t capacity_for(std::size_t bytes) {
    return (sizeof(Storage) + bytes + page - 1) / page * page + stagger - sizeof(Storage);
  }
  /// The size of a region for it.
  static std::size_t region_for(std::size_t capacity) {
    const std::size_t whole = (sizeof(Storage) + capacity + huge_page - 1) / huge_page * huge_page;
    return whole > region_size ? whole : region_size;
  }
  /// Bytes in free blocks.
  std::size_t cached() const { return cached_; }

  /// A block of at least this capacity, or null: the smallest free one, of several the one that lies first, so that the
  /// others may stay free; split where it is much larger.
  Storage* take(std::size_t capacity) {
    Storage* best = nullptr;
    for (Storage** list = &list_of(capacity); !best && list < free_ + n_size_classes; ++list)
      for (Storage* block = *list; block; block = links(block).next)
        if (block->capacity_ >= capacity &&
            (!best || block->capacity_ < best->capacity_ || (block->capacity_ == best->capacity_ && block < best)))
          best = block;
    if (!best) return nullptr;
    unlink(best);
    if (const std::size_t rest = best->capacity_ - capacity; rest >= least_rest) {
      Storage* const last = behind(best);
      best->capacity_ = capacity;
      Storage* const other = make(best->data() + capacity, rest - sizeof(Storage), best->region_, best);
      if (last) last->next_ = other;
      other->freed_in_ = best->freed_in_;
      link(other);
    }
    return best;
  }
  /// Takes back what take() gave, in the time of sweep number `sweep`.
  void put(Storage* block, std::uint32_t sweep) {
    if (Storage* const right = behind(block); right && right->is_free_) {
      unlink(right);
      absorb(block, right);
    }
    if (Storage* const left = block->next_; left && left->is_free_) {
      unlink(left);
      absorb(left, block);
      block = left;
    }
    block->freed_in_ = sweep;
    link(block);
  }
  void add(Region* region, std::uint32_t sweep) {
    append(regions_, region);
    Storage* const block = make(region->memory, region->size - sizeof(Storage), region, nullptr);
    block->freed_in_ = sweep;
    link(block);
  }
  /// Gives the regions back that are free and idle(block); whether there were any.
  template <class Idle>
  bool give_back(Idle idle) {
    bool any = false;
    for (Region** at = &regions_; *at;) {
      auto& first = *reinterpret_cast<Storage*>((*at)->memory);
      if (first.is_free_ && sizeof(Storage) + first.capacity_ == (*at)->size && idle(first)) {
        unlink(&first);
        *at = drop_region(*at);
        any = true;
      } else {
        at = &(*at)->next;
      }
    }
    return any;
  }

 private:
  static constexpr std::size_t least_rest = std::size_t{1} << 18;  // what is worth a block of its own

  struct Links {  // at the beginning of a free block's memory
    Storage *next, *before;
  };
  static Links& links(Storage* block) { return *reinterpret_cast<Links*>(block->data()); }
  /// The block that begins where this one ends, or null. The one that ends where it begins is its next_.
  static Storage* behind(Storage* block) {
    std::byte* const end = block->data() + block->capacity_;
    return end < block->region_->memory + block->region_->size ? reinterpret_cast<Storage*>(end) : nullptr;
  }
  static void absorb(Storage* left, Storage* right) {
    left->capacity_ += sizeof(Storage) + right->capacity_;
    if (Storage* const last = behind(left)) last->next_ = left;
  }
  static Storage* make(void* memory, std::size_t capacity, Region* region, Storage* before) {
    auto* const block = ::new (memory) Storage;
    block->capacity_ = capacity;
    block->size_class_ = mark;
    block->region_ = region;
    block->next_ = before;
    return block;
  }

  /// The list for blocks of so many bytes: each has those of at least the bytes of its class.
  Storage*& list_of(std::size_t bytes) {
    const int c = size_class(bytes);
    return free_[class_bytes(c) > bytes ? c - 1 : c];
  }
  void link(Storage* block) {
    Storage*& list = list_of(block->capacity_);
    ::new (static_cast<void*>(block->data())) Links{list, nullptr};
    if (list) links(list).before = block;
    list = block;
    block->is_free_ = true;
    cached_ += block->capacity_;
  }
  void unlink(Storage* block) {
    const Links at = links(block);
    (at.before ? links(at.before).next : list_of(block->capacity_)) = at.next;
    if (at.next) links(at.next).before = at.before;
    block->is_free_ = false;
    cached_ -= block->capacity_;
  }

  Storage* free_[n_size_classes] = {};
  Region* regions_ = nullptr;  // the oldest first
  std::size_t cached_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI::detail
