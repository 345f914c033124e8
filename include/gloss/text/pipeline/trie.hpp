// A set of strings with numbers, searched from the front of a text.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// 64-bit numbers by 64-bit keys; only grows. Open addressing, at most half full.
class KeyTable {
 public:
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  /// The value of a key, or none.
  std::uint64_t find(std::uint64_t key) const {
    if (slots_.empty()) return none;
    for (std::size_t i = home(key);; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.value == none || slot.key == key) return slot.value;
    }
  }
  /// Keeps the value that a key has already; returns whether the key is new.
  bool insert(std::uint64_t key, std::uint64_t value) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    std::size_t i = home(key);
    for (; slots_[i].value != none; i = (i + 1) & mask_)
      if (slots_[i].key == key) return false;
    slots_[i] = {key, value};
    ++count_;
    return true;
  }

 private:
  struct Slot {
    std::uint64_t key = 0, value = none;
  };

  std::size_t home(std::uint64_t key) const {
    const std::uint64_t mixed = (key ^ key >> 32) * 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(mixed >> 32) & mask_;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    count_ = 0;
    for (const Slot& slot : old)
      if (slot.value != none) insert(slot.key, slot.value);
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0, count_ = 0;
};

}  // namespace detail

/// Strings with numbers from 0 on, as a tree of their bytes.
class Trie {
 public:
  using Node = std::uint32_t;
  static constexpr Node root = 0, nowhere = 0xFFFFFFFF;

  /// Gives a string its number, in place of one that it has.
  void insert(std::string_view text, Index value) {
    Node at = root;
    for (const char c : text) {
      const auto next = static_cast<Node>(values_.size());
      if (children_.insert(key(at, c), next)) values_.push_back(-1);
      at = child(at, c);
    }
    values_[at] = value;
  }

  /// Where a byte leads from a node, and the number of the string that ends there, or -1.
  Node child(Node at, char c) const { return static_cast<Node>(children_.find(key(at, c))); }
  Index value(Node at) const { return values_[at]; }

  /// The node of a text that begins some string, or nowhere.
  Node walk(std::string_view text) const {
    Node at = root;
    for (std::size_t i = 0; i < text.size() && at != nowhere; ++i) at = child(at, text[i]);
    return at;
  }
  /// The number of a string, or -1.
  Index find(std::string_view text) const {
    const Node at = walk(text);
    return at == nowhere ? -1 : value(at);
  }

  /// The longest string that text begins with, as its number and its length; {-1, 0} when there is none. With a node,
  /// strings that continue what leads there.
  std::pair<Index, std::size_t> longest(std::string_view text, Node at = root) const {
    std::pair<Index, std::size_t> best{-1, 0};
    for (std::size_t i = 0; i < text.size(); ++i) {
      at = child(at, text[i]);
      if (at == nowhere) break;
      if (value(at) >= 0) best = {value(at), i + 1};
    }
    return best;
  }
  /// Calls f(number, length) for each string that text begins with, the shortest first.
  template <class F>
  void for_each_prefix(std::string_view text, F&& f) const {
    Node at = root;
    for (std::size_t i = 0; i < text.size(); ++i) {
      at = child(at, text[i]);
      if (at == nowhere) return;
      if (value(at) >= 0) f(value(at), i + 1);
    }
  }

 private:
  static std::uint64_t key(Node at, char c) { return std::uint64_t{at} << 8 | static_cast<unsigned char>(c); }

  std::vector<Index> values_{-1};
  detail::KeyTable children_;
};

}  // namespace gloss::inline GLOSS_ABI::text
