// Byte-pair encoding with a vocabulary and merges from elsewhere: over bytes (GPT-2 and its kin) or over characters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/text/pipeline/byte_level.hpp>
#include <gloss/text/pipeline/model.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {

struct MergesOptions {
  bool byte_level = false;     ///< tokens are spelled in ByteLevel's alphabet, text is taken byte by byte
  std::string unk_token = {};  ///< of a character that is not there; "": such a one is left out
  std::string continuing_subword_prefix = {};  ///< of all characters of a piece but the first
  std::string end_of_word_suffix = {};         ///< of the last character of a piece
  bool fuse_unk = false;                       ///< unknown characters in a row are one unknown token
  bool byte_fallback = false;                  ///< of an unknown character, its bytes as "<0x0A>"
  bool ignore_merges = false;                  ///< a piece that is a token is that token
};

/// Neighbours of a piece's characters become one token, the pair of the lowest rank first, of equals the leftmost.
/// Source: Sennrich et al. 2016, "Neural machine translation of rare words with subword units"; Radford et al. 2019.
class Merges final : public Model {
 public:
  /// No merges yet.
  /// Errors: LoadError for an unknown token that is not there.
  explicit Merges(std::vector<std::string> tokens, MergesOptions options = {})
      : Model(std::move(tokens)), options_(std::move(options)) {
    if (!options_.unk_token.empty() && (unknown_ = find(options_.unk_token)) < 0)
      fail<LoadError>("BPE: the unknown token '", options_.unk_token, "' is not in the vocabulary");
    if (options_.ignore_merges)
      for (Index id = 0; id < size(); ++id) add_whole(id);
    if (options_.byte_fallback) bytes_ = byte_tokens();
    if (!options_.byte_level) return;
    bytes_.clear();
    for (int b = 0; b < 256; ++b) bytes_.push_back(find(detail::byte_level_character(static_cast<unsigned char>(b))));
  }

  /// A piece that is this token is not merged from its characters.
  void add_whole(Index id) {
    if (!options_.byte_level)
      whole_.insert(token(id), id);
    else if (const auto bytes = detail::byte_level_bytes(token(id)))
      whole_.insert(*bytes, id);
  }
  /// Two tokens become a third; the first rank that a pair is given counts.
  void add_merge(Index left, Index right, Index result, std::uint32_t rank) {
    pairs_.insert(key(left, right), std::uint64_t{rank} << 32 | static_cast<std::uint32_t>(result));
  }
  /// The same by their texts; false when one of the three is not in the vocabulary.
  bool add_merge(std::string_view left, std::string_view right, std::uint32_t rank) {
    const Index l = find(left), r = find(right), result = find(std::string(left).append(right));
    if (l < 0 || r < 0 || result < 0) return false;
    add_merge(l, r, result, rank);
    return true;
  }
  /// A merge for each way to cut a token between two characters into two others.
  void add_merges_to(Index result, std::uint32_t rank) {
    const std::string_view whole = token(result);
    for (std::size_t at = 0; at < whole.size();) {
      at += decode_utf8(whole, at).bytes;
      const Index left = find(whole.substr(0, at)), right = find(whole.substr(at));
      if (left >= 0 && right >= 0) add_merge(left, right, result, rank);
    }
  }

  void encode(std::string_view piece, std::vector<PieceToken>& tokens) const override {
    if (const Index id = whole_.find(piece); id >= 0)
      return tokens.push_back({id, 0, static_cast<std::uint32_t>(piece.size())});
    thread_local std::vector<PieceToken> symbols;
    symbols.clear();
    if (options_.byte_level)
      begin_with_bytes(piece, symbols);
    else
      begin_with_characters(piece, symbols);
    if (symbols.size() <= few)
      merge_few(symbols);
    else
      merge_many(symbols);
    tokens.insert(tokens.end(), symbols.begin(), symbols.end());
  }

 private:
  static constexpr std::size_t few = 48;
  static constexpr std::uint64_t none = detail::KeyTable::none;

  static std::uint64_t key(Index left, Index right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  /// What a pair becomes: its rank above its token; none for a pair that is not merged.
  std::uint64_t merged(const PieceToken& left, const PieceToken& right) const {
    return pairs_.find(key(left.id, right.id));
  }
  static Index result(std::uint64_t merge) { return static_cast<Index>(merge & 0xFFFFFFFFu); }

  void begin_with_bytes(std::string_view piece, std::vector<PieceToken>& symbols) const {
    for (std::uint32_t i = 0; i < piece.size(); ++i) {
      const Index id = bytes_[static_cast<unsigned char>(piece[i])];
      if (id >= 0 || unknown_ >= 0) symbols.push_back({id >= 0 ? id : unknown_, i, i + 1});
    }
  }

  /// As in Hugging Face's: a character that is left out does not count, so what follows moves up.
  void begin_with_characters(std::string_view piece, std::vector<PieceToken>& symbols) const {
    const bool affixes = !options_.continuing_subword_prefix.empty() || !options_.end_of_word_suffix.empty();
    std::uint32_t position = 0;
    const auto add = [&](Index id, std::uint32_t bytes) {
      symbols.push_back({id, position, position + bytes});
      position += bytes;
    };
    std::uint32_t unknown_bytes = 0;  // of unknown characters that are not added yet
    const auto add_unknown = [&] {
      if (unknown_bytes > 0) add(unknown_, unknown_bytes);
      unknown_bytes = 0;
    };
    for (std::size_t at = 0; at < piece.size();) {
      const std::size_t bytes = decode_utf8(piece, at).bytes;
      const std::string_view character = piece.substr(at, bytes);
      const auto length = static_cast<std::uint32_t>(bytes);
      Index id = affixes ? find((at > 0 ? options_.continuing_subword_prefix : std::string()) + std::string(character) +
                                (at + bytes == piece.size() ? options_.end_of_word_suffix : std::string()))
                         : find(character);
      at += bytes;
      if (id >= 0) {
        add_unknown();
        add(id, length);
        continue;
      }
      const auto byte_id = [&](char c) { return bytes_[static_cast<unsigned char>(c)]; };
      if (options_.byte_fallback &&
          std::all_of(character.begin(), character.end(), [&](char c) { return byte_id(c) >= 0; })) {
        add_unknown();
        for (const char c : character) add(byte_id(c), 1);
      } else if (unknown_ >= 0) {
        if (!options_.fuse_unk) add_unknown();
        unknown_bytes += length;
      }
    }
    add_unknown();
  }

  /// Looks through all pairs for each merge.
  void merge_few(std::vector<PieceToken>& symbols) const {
    std::uint64_t merges[few];  // of each symbol with the next
    std::size_t n = symbols.size();
    const auto look_up = [&](std::size_t i) { merges[i] = i + 1 < n ? merged(symbols[i], symbols[i + 1]) : none; };
    for (std::size_t i = 0; i < n; ++i) look_up(i);
    while (n > 1) {
      const std::size_t best = static_cast<std::size_t>(
          std::min_element(merges, merges + n, [](auto a, auto b) { return a >> 32 < b >> 32; }) - merges);
      if (merges[best] == none) break;
      symbols[best].id = result(merges[best]);
      symbols[best].end = symbols[best + 1].end;
      for (std::size_t i = best + 2; i < n; ++i) {
        symbols[i - 1] = symbols[i];
        merges[i - 1] = merges[i];
      }
      --n;
      look_up(best);
      if (best > 0) look_up(best - 1);
    }
    symbols.resize(n);
  }

  /// Keeps the pairs in a heap, and the symbols in a list.
  void merge_many(std::vector<PieceToken>& symbols) const {
    struct Candidate {
      std::uint64_t merge;
      std::size_t left;
      bool operator<(const Candidate& other) const {  // for a heap whose top is the first to merge
        return merge >> 32 != other.merge >> 32 ? merge >> 32 > other.merge >> 32 : left > other.left;
      }
    };
    const std::size_t n = symbols.size();
    std::vector<std::size_t> next(n + 1), previous(n + 1);  // n: the end on both sides
    std::vector<Candidate> heap;
    for (std::size_t i = 0; i <= n; ++i) {
      next[i] = i + 1 <= n ? i + 1 : 0;
      previous[i] = i > 0 ? i - 1 : n;
    }
    const auto offer = [&](std::size_t left) {
      if (left == n || next[left] == n) return;
      const std::uint64_t merge = merged(symbols[left], symbols[next[left]]);
      if (merge == none) return;
      heap.push_back({merge, left});
      std::push_heap(heap.begin(), heap.end());
    };
    for (std::size_t i = 0; i < n; ++i) offer(i);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const auto [merge, left] = heap.back();
      heap.pop_back();
      const std::size_t right = next[left];
      if (symbols[left].begin == symbols[left].end || right == n) continue;  // merged away meanwhile
      if (merged(symbols[left], symbols[right]) != merge) continue;
      symbols[left].id = result(merge);
      symbols[left].end = symbols[right].end;
      symbols[right].end = symbols[right].begin;
      next[left] = next[right];
      previous[next[left]] = left;
      offer(previous[left]);
      offer(left);
    }
    symbols.erase(std::remove_if(symbols.begin(), symbols.end(), [](const PieceToken& t) { return t.begin == t.end; }),
                  symbols.end());
  }

  MergesOptions options_;
  detail::KeyTable pairs_;
  Index unknown_ = -1;
  std::vector<Index> bytes_;  // the tokens of single bytes
  Trie whole_;                // pieces that are a token as they are
};

}  // namespace gloss::inline GLOSS_ABI::text
