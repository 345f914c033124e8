// Byte-pair encoding: a subword vocabulary learnt from text, in which every byte string has an encoding.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/text/bpe_train.hpp>
#include <gloss/text/lines.hpp>
#include <gloss/text/pieces.hpp>
#include <gloss/text/tokenizer.hpp>

namespace gloss::inline GLOSS_ABI::text {

struct BpeOptions {
  Index vocab_size = 4000;   ///< tokens in all: 3 specials, 256 bytes, and one for each merge
  Index min_frequency = 2;   ///< a pair seen less often is not merged, so the vocabulary may end up smaller
  bool prefix_space = true;  ///< read "File" as " File", so that a word is the same token wherever it stands
};

/// A byte-pair encoding. Ids: 0 <blank> (padding), 1 <s>, 2 </s>, then the 256 bytes, then the merges in the order
/// learnt. decode(encode(s)) == s for every byte string s, and nothing is ever unknown. Every token is whole
/// characters or a part of one character. Const use from many threads is safe.
/// Source: Sennrich et al. 2016, "Neural machine translation of rare words with subword units".
/// AT: its vocabularies have <s> 0, </s> 1, <blank> 2, <unk> 3 (see Vocab); the padding id is vocab["<blank>"] there.
class Bpe final : public Tokenizer {
 public:
  static constexpr Index pad_id = 0;
  static constexpr Index start_id = 1;
  static constexpr Index end_id = 2;
  static constexpr Index n_specials = 3;

  /// Bytes only, no merges.
  GLOSS_COLD explicit Bpe(bool prefix_space = true) : prefix_space_(prefix_space) {
    tokens_ = {"<blank>", "<s>", "</s>"};
    for (int b = 0; b < 256; ++b) tokens_.emplace_back(1, static_cast<char>(static_cast<unsigned char>(b)));
  }

  /// Learns merges from texts: again and again the most frequent pair of neighbours becomes a token, among equals the
  /// pair with the smaller ids. The same texts give the same tokens everywhere.
  /// Errors: Error when vocab_size is below 259.
  GLOSS_LAZY static Bpe train(const std::vector<std::string>& texts, BpeOptions options = {}) {
    if (options.vocab_size < detail::bpe_first_merge)
      fail<Error>("Bpe::train: vocab_size is ", options.vocab_size, ", expected at least ", detail::bpe_first_merge,
                  " (3 specials and 256 bytes)");
    Bpe bpe(options.prefix_space);
    detail::BpeLearner learner;
    for (const std::string& text : texts)
      if (!text.empty())
        for_each_piece(options.prefix_space ? " " + text : text, [&](std::string_view piece) { learner.add(piece); });
    for (const auto& [left, right] : learner.learn(options.vocab_size - bpe.size(), options.min_frequency))
      bpe.add_merge(left, right);
    return bpe;
  }

  /// How many tokens there are, and how it was told to read the start of a text.
  Index size() const override { return static_cast<Index>(tokens_.size()); }
  bool prefix_space() const { return prefix_space_; }

  /// Token ids of any bytes, without <s> and </s>.
  std::vector<Index> encode(std::string_view text) const override { return encode_bytes(text); }

  /// The text of token ids; specials are skipped.
  /// Errors: IndexError for an id that is not in [0, size()).
  std::string decode(std::span<const Index> ids) const override {
    std::string text;
    for (const Index id : ids) {
      check_id("decode", id);
      if (id >= n_specials) text += tokens_[static_cast<std::size_t>(id)];
    }
    if (prefix_space_ && !text.empty() && text.front() == ' ') text.erase(0, 1);
    return text;
  }

  /// The bytes of one token, with the space before it where it has one; "<s>" and so on for the specials.
  /// Errors: IndexError.
  const std::string& token(Index id) const {
    check_id("token", id);
    return tokens_[static_cast<std::size_t>(id)];
  }

  /// The whole encoding as printable ASCII, to be kept beside the weights.
  GLOSS_LAZY std::string to_string() const;
  /// Reads to_string()'s text; `name` stands for the file in messages.
  /// Errors: LoadError naming the line and the cause.
  GLOSS_LAZY static Bpe from_string(std::string_view text, std::string_view name = "bpe");

  friend bool operator==(const Bpe& a, const Bpe& b) {
    return a.prefix_space_ == b.prefix_space_ && a.merges_ == b.merges_;
  }

 private:
  using Id = detail::BpeId;

  template <class = void>
  class PieceEncoder;
  GLOSS_LAZY std::vector<Index> encode_bytes(std::string_view text) const;

  void check_id(const char* function, Index id) const {
    if (id < 0 || id >= size()) fail<IndexError>("Bpe::", function, ": id ", id, " is out of range [0, ", size(), ")");
  }
  void add_merge(Id left, Id right) {
    merge_of_.emplace(detail::bpe_pair_key(left, right), static_cast<Id>(tokens_.size()));
    merges_.emplace_back(left, right);
    tokens_.push_back(tokens_[static_cast<std::size_t>(left)] + tokens_[static_cast<std::size_t>(right)]);
  }
  Id merged(Id left, Id right) const {
    const auto found = merge_of_.find(detail::bpe_pair_key(left, right));
    return found == merge_of_.end() ? -1 : found->second;
  }

  bool prefix_space_;
  std::vector<std::string> tokens_;
  std::vector<std::pair<Id, Id>> merges_;
  std::unordered_map<std::uint64_t, Id> merge_of_;
};

/// Merges the bytes of one piece after another, in memory that it keeps: symbols form a linked list, and a queue holds
/// the merges that apply, the earliest learnt and leftmost first.
template <class>
class Bpe::PieceEncoder {
 public:
  explicit PieceEncoder(const Bpe& bpe) : bpe_(bpe) {}

  /// Adds the ids of a piece to `ids`.
  void encode(std::string_view piece, std::vector<Index>& ids) {
    symbols_.clear();
    queue_.clear();
    const int n = static_cast<int>(piece.size());
    for (int i = 0; i < n; ++i)
      symbols_.push_back({detail::bpe_byte_id(piece[static_cast<std::size_t>(i)]), i - 1, i + 1 < n ? i + 1 : -1});
    for (int i = 0; i < n; ++i) offer(i);
    while (!queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end(), std::greater<Candidate>());
      const auto [id, left] = queue_.back();
      queue_.pop_back();
      if (at(left).id < 0 || at(left).next < 0) continue;  // merged away meanwhile
      if (bpe_.merged(at(left).id, at(at(left).next).id) == id) merge(left, id);
    }
    for (int i = n > 0 ? 0 : -1; i >= 0; i = at(i).next) ids.push_back(at(i).id);
  }

 private:
  struct Symbol {
    Id id;
    int previous, next;
  };
  using Candidate = std::pair<Id, int>;  // token after the merge, position of its left half

  Symbol& at(int i) { return symbols_[static_cast<std::size_t>(i)]; }
  /// Queues the merge of a symbol with the next, if there is one.
  void offer(int left) {
    if (left < 0 || at(left).next < 0) return;
    const Id id = bpe_.merged(at(left).id, at(at(left).next).id);
    if (id < 0) return;
    queue_.emplace_back(id, left);
    std::push_heap(queue_.begin(), queue_.end(), std::greater<Candidate>());
  }
  void merge(int left, Id id) {
    const int right = at(left).next;
    at(left).id = id;
    at(left).next = at(right).next;
    at(right).id = -1;
    if (at(left).next >= 0) at(at(left).next).previous = left;
    offer(at(left).previous);
    offer(left);
  }

  const Bpe& bpe_;
  std::vector<Symbol> symbols_;
  std::vector<Candidate> queue_;
};

template <class>
std::vector<Index> Bpe::encode_bytes(std::string_view text) const {
  std::vector<Index> ids;
  if (text.empty()) return ids;
  std::string prefixed;
  if (prefix_space_) {
    prefixed.reserve(text.size() + 1);
    prefixed += ' ';
    prefixed += text;
    text = prefixed;
  }
  PieceEncoder<> encoder(*this);
  for_each_piece(text, [&](std::string_view piece) {
    // A piece of many megabytes would overflow the positions; its parts are still exact.
    for (constexpr std::size_t most = std::size_t{1} << 20; !piece.empty();
         piece.remove_prefix((std::min)(most, piece.size())))
      encoder.encode(piece.substr(0, most), ids);
  });
  return ids;
}

template <class>
GLOSS_COLD std::string Bpe::to_string() const {
  std::string text = "gloss-bpe 1\nprefix_space ";
  text += prefix_space_ ? "1\nmerges " : "0\nmerges ";
  text += std::to_string(merges_.size()) + "\n";
  for (const auto& [left, right] : merges_) text += std::to_string(left) + " " + std::to_string(right) + "\n";
  return text;
}

template <class>
GLOSS_COLD Bpe Bpe::from_string(std::string_view text, std::string_view name) {
  std::size_t number = 0;
  std::string_view line;
  const auto fail_line = [&](const auto&... cause) {
    detail::fail_at_line("Bpe::from_string", name, number, cause...);
  };
  const auto next_line = [&] {
    ++number;
    if (text.empty()) fail_line("truncated");
    line = detail::take_line(text);
  };
  const auto take_number = [&](std::int64_t limit) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc() || value < 0 || value >= limit) fail_line("expected a number in [0, ", limit, ")");
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    return value;
  };
  const auto take_word = [&](std::string_view word) {
    if (line.substr(0, word.size()) != word) fail_line("expected \"", word, "\"");
    line.remove_prefix(word.size());
  };
  const auto end_line = [&] {
    if (!line.empty()) fail_line("unexpected text at the end of the line");
  };

  next_line();
  if (line.substr(0, 10) != "gloss-bpe ") fail_line("not a gloss byte-pair encoding");
  if (line != "gloss-bpe 1") fail_line("unknown version, this program reads 1");
  next_line();
  take_word("prefix_space ");
  Bpe bpe(take_number(2) == 1);
  end_line();
  next_line();
  take_word("merges ");
  const std::int64_t count = take_number(std::int64_t{1} << 24);
  end_line();
  for (std::int64_t i = 0; i < count; ++i) {
    next_line();
    const auto take_token = [&] {
      const std::int64_t id = take_number(bpe.size());
      if (id < n_specials) fail_line("a merge of a special token");
      return static_cast<Id>(id);
    };
    const Id left = take_token();
    take_word(" ");
    const Id right = take_token();
    end_line();
    if (bpe.merged(left, right) >= 0) fail_line("a merge that is there already");
    if (bpe.token(left).size() + bpe.token(right).size() > detail::bpe_max_token_bytes)
      fail_line("a token of more than ", detail::bpe_max_token_bytes, " bytes");
    bpe.add_merge(left, right);
  }
  ++number;
  if (!text.empty()) fail_line("unexpected text after the last merge");
  return bpe;
}

GLOSS_INSTANTIATE(Bpe Bpe::train(const std::vector<std::string>&, BpeOptions))
GLOSS_INSTANTIATE(std::vector<Index> Bpe::encode_bytes(std::string_view) const)
GLOSS_INSTANTIATE(std::string Bpe::to_string() const)
GLOSS_INSTANTIATE(Bpe Bpe::from_string(std::string_view, std::string_view))

}  // namespace gloss::inline GLOSS_ABI::text
