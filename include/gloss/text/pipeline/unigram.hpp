// Unigram: of all ways to cut a piece into tokens the most probable one; SentencePiece's model of T5, XLM-R, ALBERT.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/text/pipeline/model.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {

struct UnigramOptions {
  Index unk_id = -1;           ///< of a character that no token begins with; -1: that is an error
  bool byte_fallback = false;  ///< what is unknown as its bytes, "<0x0A>"
};

/// The tokens whose log-probabilities sum to the most (Viterbi's search), of equals those found first. An unknown
/// character costs 10 more than the least probable token; unknown ones in a row are one. A token whose score is minus
/// infinity is never taken.
/// Source: Kudo 2018, "Subword regularization".
class Unigram final : public Model {
 public:
  /// Errors: LoadError when there is not one score for each token, or unk_id is not a token's.
  Unigram(std::vector<std::string> tokens, std::vector<double> scores, UnigramOptions options = {})
      : Model(std::move(tokens)), scores_(std::move(scores)), options_(options) {
    if (scores_.size() != static_cast<std::size_t>(size()) || scores_.empty())
      fail<LoadError>("Unigram: ", scores_.size(), " scores for ", size(), " tokens");
    if (options_.unk_id < -1 || options_.unk_id >= size())
      fail<LoadError>("Unigram: unk_id is ", options_.unk_id, ", there are ", size(), " tokens");
    for (const double score : scores_)
      if (score > never) unknown_score_ = (std::min)(unknown_score_, score - 10);
    if (options_.byte_fallback) bytes_ = byte_tokens();
  }

  /// Errors: Error for an unknown character when there is no unknown token.
  void encode(std::string_view piece, std::vector<PieceToken>& tokens) const override {
    thread_local std::vector<Step> steps;
    steps.assign(piece.size() + 1, Step{});
    search(piece, steps);

    const std::size_t before = tokens.size();
    for (std::size_t end = piece.size(); end > 0;) {
      std::size_t begin = steps[end].begin;
      const bool unknown = steps[end].id == options_.unk_id;
      while (unknown && begin > 0 && steps[begin].id == options_.unk_id) begin = steps[begin].begin;
      add_backwards(piece, begin, end, tokens);
      end = begin;
    }
    std::reverse(tokens.begin() + static_cast<std::ptrdiff_t>(before), tokens.end());
  }

 private:
  /// The best way to some place: its last token.
  struct Step {
    double score = 0;
    Index id = -1;
    std::uint32_t begin = none;
  };
  static constexpr std::uint32_t none = 0xFFFFFFFF;
  static constexpr double never = -std::numeric_limits<double>::infinity();

  void search(std::string_view piece, std::vector<Step>& steps) const {
    for (std::size_t at = 0; at < piece.size();) {
      const double score = steps[at].score;
      const std::size_t character = decode_utf8(piece, at).bytes;
      const auto offer = [&](Index id, std::size_t length, double more) {
        Step& step = steps[at + length];
        if (step.begin == none || score + more > step.score) step = {score + more, id, static_cast<std::uint32_t>(at)};
      };
      bool known = false;
      trie().for_each_prefix(piece.substr(at), [&](Index id, std::size_t length) {
        const double more = scores_[static_cast<std::size_t>(id)];
        if (more == never) return;
        offer(id, length, more);
        known = known || length == character;
      });
      if (!known) {
        if (options_.unk_id < 0)
          fail<Error>("Unigram: '", piece.substr(at, character), "' is unknown, and there is no unknown token");
        offer(options_.unk_id, character, unknown_score_);
      }
      at += character;
    }
  }

  void add_backwards(std::string_view piece, std::size_t begin, std::size_t end,
                     std::vector<PieceToken>& tokens) const {
    const auto b = static_cast<std::uint32_t>(begin), e = static_cast<std::uint32_t>(end);
    const std::string_view text = piece.substr(begin, end - begin);
    const Index id = find(text);
    if (id >= 0) return tokens.push_back({id, b, e});
    const auto byte_id = [&](char c) { return bytes_[static_cast<unsigned char>(c)]; };
    if (!bytes_.empty() && std::all_of(text.begin(), text.end(), [&](char c) { return byte_id(c) >= 0; })) {
      for (std::size_t i = text.size(); i-- > 0;) tokens.push_back({byte_id(text[i]), b, e});
      return;
    }
    tokens.push_back({options_.unk_id, b, e, true});
  }

  std::vector<double> scores_;
  UnigramOptions options_;
  double unknown_score_ = std::numeric_limits<double>::infinity();
  std::vector<Index> bytes_;
};

}  // namespace gloss::inline GLOSS_ABI::text
