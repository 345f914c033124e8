// Learns the merges of a byte-pair encoding; included by bpe.hpp.
#pragma once

#include <algorithm>
#include <queue>

#include <gloss/data/bpe.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Counts pairs once, then keeps the counts up to date: a merge visits only the words that hold its pair. A heap finds
/// the most frequent pair; an entry whose count has changed since is put back with the true count when it comes up.
class Bpe::Trainer {
 public:
  Trainer(Bpe& bpe, BpeOptions options) : bpe_(bpe), options_(options) {
    if (options.vocab_size < first_merge)
      fail<Error>("Bpe::train: vocab_size is ", options.vocab_size, ", expected at least ", Index{first_merge},
                  " (3 specials and 256 bytes)");
  }

  void add(std::string_view text) {
    if (text.empty()) return;
    std::string prefixed;
    if (bpe_.prefix_space_) prefixed = ' ';
    prefixed += text;
    for_each_piece(prefixed, [&](std::string_view piece) {
      if (piece.size() > 1 && piece.size() <= max_token_bytes) ++pieces_[std::string(piece)];
    });
  }

  void run() {
    for (const auto& [piece, count] : pieces_) {
      std::vector<Id> word;
      for (const char c : piece) word.push_back(byte_id(c));
      words_.push_back(std::move(word));
      counts_.push_back(count);
    }
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::size_t i = 0; i + 1 < words_[w].size(); ++i)
        change(words_[w][i], words_[w][i + 1], w, counts_[w], true);
    for (const auto& [pair, info] : pairs_) offer(pair, info);

    while (bpe_.size() < options_.vocab_size && !heap_.empty()) {
      const Entry top = heap_.top();
      heap_.pop();
      Pair& info = pairs_.at(top.pair);
      if (info.count != top.count) {
        offer(top.pair, info);
        continue;
      }
      merge(static_cast<Id>(top.pair >> 32), static_cast<Id>(top.pair & 0xFFFFFFFFu), std::move(info.words));
    }
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
    if (info.allowed && info.count >= (std::max)(options_.min_frequency, Index{1})) heap_.push({info.count, pair});
  }

  /// Whole characters, or a part of one: so that a token never ends in half of a character it does not begin in.
  bool allowed(Id left, Id right) const {
    const std::string text =
        bpe_.tokens_[static_cast<std::size_t>(left)] + bpe_.tokens_[static_cast<std::size_t>(right)];
    if (text.size() > max_token_bytes) return false;
    const std::size_t bad = find_ill_formed_utf8(text);
    if (bad == std::string::npos) return true;
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (bad != 0 || text.size() >= length) return false;
    return std::all_of(text.begin() + 1, text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; });
  }

  void change(Id left, Id right, std::size_t word, Index by, bool note_word) {
    Pair& info = pairs_[key(left, right)];
    if (info.words.empty() && info.count == 0) info.allowed = allowed(left, right);
    info.count += by;
    if (note_word && (info.words.empty() || info.words.back() != word)) info.words.push_back(word);
  }

  void merge(Id left, Id right, std::vector<std::size_t> where) {
    const Id id = static_cast<Id>(bpe_.size());
    bpe_.add_merge(left, right);
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
        if (is_new) touched_.push_back(key(out[i], out[i + 1]));
      }
      word.assign(out.begin(), out.end());
    }
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const std::uint64_t pair : touched_) offer(pair, pairs_.at(pair));
  }

  Bpe& bpe_;
  BpeOptions options_;
  std::unordered_map<std::string, Index> pieces_;
  std::vector<std::vector<Id>> words_;
  std::vector<Index> counts_;
  std::unordered_map<std::uint64_t, Pair> pairs_;
  std::priority_queue<Entry> heap_;
  std::vector<Id> scratch_;
  std::vector<std::uint64_t> touched_;
};

inline Bpe Bpe::train(const std::vector<std::string>& texts, BpeOptions options) {
  Bpe bpe(options.prefix_space);
  Trainer trainer(bpe, options);
  for (const std::string& text : texts) trainer.add(text);
  trainer.run();
  return bpe;
}

inline Bpe Bpe::train(const std::vector<SentencePair>& pairs, BpeOptions options) {
  Bpe bpe(options.prefix_space);
  Trainer trainer(bpe, options);
  for (const SentencePair& pair : pairs) {
    trainer.add(pair.src);
    trainer.add(pair.tgt);
  }
  trainer.run();
  return bpe;
}

}  // namespace gloss::inline GLOSS_ABI::data
