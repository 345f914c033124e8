// Learns the merges of a byte-pair encoding from counted pieces of text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gloss/core/shape.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// A token's number. Bytes are first_byte to first_byte + 255, merges follow in the order learnt.
using BpeId = std::int32_t;
inline constexpr BpeId bpe_first_byte = 3;
inline constexpr BpeId bpe_first_merge = bpe_first_byte + 256;
inline constexpr std::size_t bpe_max_token_bytes = 256;

inline BpeId bpe_byte_id(char c) { return bpe_first_byte + static_cast<BpeId>(static_cast<unsigned char>(c)); }
inline std::uint64_t bpe_pair_key(BpeId left, BpeId right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

/// Learns merges: again and again the most frequent pair of neighbours becomes one token, among equals the pair with
/// the smaller ids. Counts pairs once, then keeps the counts up to date: a merge visits only the words that hold its
/// pair. A heap finds the most frequent pair; an entry whose count has changed since is put back with the true count
/// when it comes up. A Vocabulary says which pairs are allowed, gives the token of a pair, and says when it is full.
template <class Vocabulary>
class MergeLearner {
 public:
  using Id = BpeId;

  explicit MergeLearner(Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  void add(std::vector<Id> word, Index count) {
    words_.push_back(std::move(word));
    counts_.push_back(count);
  }

  /// The merges of pairs seen at least min_frequency times.
  std::vector<std::pair<Id, Id>> learn(Index min_frequency) {
    min_frequency_ = (std::max)(min_frequency, Index{1});
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::size_t i = 0; i + 1 < words_[w].size(); ++i)
        change(words_[w][i], words_[w][i + 1], w, counts_[w], true);
    for (const auto& [pair, info] : pairs_) offer(pair, info);

    while (!vocabulary_.full() && !heap_.empty()) {
      const Entry top = heap_.top();
      heap_.pop();
      Pair& info = pairs_.at(top.pair);
      if (info.count != top.count) {
        offer(top.pair, info);
        continue;
      }
      merge(static_cast<Id>(top.pair >> 32), static_cast<Id>(top.pair & 0xFFFFFFFFu), std::move(info.words));
    }
    return std::move(merges_);
  }

 private:
  struct Pair {
    Index count = 0;
    bool allowed = false;
    std::vector<std::size_t> words;  // those that held the pair at some time
  };
  struct Entry {
    Index count;
    std::uint64_t pair;
    bool operator<(const Entry& other) const { return count != other.count ? count < other.count : pair > other.pair; }
  };

  void offer(std::uint64_t pair, const Pair& info) {
    if (info.allowed && info.count >= min_frequency_) heap_.push({info.count, pair});
  }

  void change(Id left, Id right, std::size_t word, Index by, bool note_word) {
    Pair& info = pairs_[bpe_pair_key(left, right)];
    if (info.words.empty() && info.count == 0) info.allowed = vocabulary_.allowed(left, right);
    info.count += by;
    if (note_word && (info.words.empty() || info.words.back() != word)) info.words.push_back(word);
  }

  // NOLINTNEXTLINE(performance-unnecessary-value-param): its own, since pairs_ changes meanwhile
  void merge(Id left, Id right, std::vector<std::size_t> where) {
    const Id id = vocabulary_.add(left, right);
    merges_.emplace_back(left, right);
    touched_.clear();
    for (const std::size_t w : where) {
      std::vector<Id>& word = words_[w];
      std::vector<Id>& out = scratch_;
      out.clear();
      for (std::size_t i = 0; i < word.size(); ++i) {
        const bool here = word[i] == left && i + 1 < word.size() && word[i + 1] == right;
        out.push_back(here ? id : word[i]);
        if (here) ++i;
      }
      if (out.size() == word.size()) continue;
      for (std::size_t i = 0; i + 1 < word.size(); ++i) change(word[i], word[i + 1], w, -counts_[w], false);
      for (std::size_t i = 0; i + 1 < out.size(); ++i) {
        const bool is_new = out[i] == id || out[i + 1] == id;
        change(out[i], out[i + 1], w, counts_[w], is_new);
        if (is_new) touched_.push_back(bpe_pair_key(out[i], out[i + 1]));
      }
      word.assign(out.begin(), out.end());
    }
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const std::uint64_t pair : touched_) offer(pair, pairs_.at(pair));
  }

  Vocabulary& vocabulary_;
  Index min_frequency_ = 1;
  std::vector<std::pair<Id, Id>> merges_;
  std::vector<std::vector<Id>> words_;
  std::vector<Index> counts_;
  std::unordered_map<std::uint64_t, Pair> pairs_;
  std::priority_queue<Entry> heap_;
  std::vector<Id> scratch_;
  std::vector<std::uint64_t> touched_;
};

/// Learns what a Bpe is made of: tokens are whole characters, or a part of one.
class BpeLearner {
 public:
  using Id = BpeId;

  /// A piece of text, as for_each_piece cuts them.
  void add(std::string_view piece) {
    if (piece.size() > 1 && piece.size() <= bpe_max_token_bytes) ++pieces_[std::string(piece)];
  }

  /// Up to so many merges of pairs seen at least min_frequency times: the most frequent pair first, among equals the
  /// one with the smaller ids.
  std::vector<std::pair<Id, Id>> learn(Index n_merges, Index min_frequency) {
    Tokens tokens(n_merges);
    MergeLearner<Tokens> learner(tokens);
    for (const auto& [piece, count] : pieces_) {
      std::vector<Id> word;
      for (const char c : piece) word.push_back(bpe_byte_id(c));
      learner.add(std::move(word), count);
    }
    return learner.learn(min_frequency);
  }

 private:
  /// The text of bytes and merges.
  class Tokens {
   public:
    explicit Tokens(Index n_merges) : most_(static_cast<std::size_t>((std::max)(n_merges, Index{0})) + 256) {
      for (int b = 0; b < 256; ++b) tokens_.emplace_back(1, static_cast<char>(static_cast<unsigned char>(b)));
    }
    bool full() const { return tokens_.size() >= most_; }
    Id add(Id left, Id right) {
      tokens_.push_back(token(left) + token(right));
      return bpe_first_byte + static_cast<Id>(tokens_.size()) - 1;
    }

    /// Whole characters, or a part of one: so that a token never ends in half of a character it does not begin in.
    bool allowed(Id left, Id right) const {
      const std::string text = token(left) + token(right);
      if (text.size() > bpe_max_token_bytes) return false;
      const std::size_t bad = find_ill_formed_utf8(text);
      if (bad == std::string::npos) return true;
      const auto lead = static_cast<unsigned char>(text[0]);
      const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
      if (bad != 0 || text.size() >= length) return false;
      return std::all_of(text.begin() + 1, text.end(),
                         [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; });
    }

   private:
    const std::string& token(Id id) const { return tokens_[static_cast<std::size_t>(id - bpe_first_byte)]; }

    std::size_t most_;
    std::vector<std::string> tokens_;
  };

  std::unordered_map<std::string, Index> pieces_;
};

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::text
