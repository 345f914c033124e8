// Character n-gram F-score of translations, the same number as sacreBLEU's default.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::metrics {

/// chrF2 of a corpus, gathered sentence by sentence: the F-score, recall counted twice (beta = 2), of the mean
/// precision and recall of n-grams of 1 to 6 characters, without white space. Text is UTF-8.
/// Source: Popovic 2015, "chrF: character n-gram F-score for automatic MT evaluation"
/// PyTorch: sacrebleu.corpus_chrf
class ChrF {
 public:
  /// Adds a translation and its references, of which the one that fits best counts.
  /// Errors: Error when there is no reference.
  void add(std::string_view hypothesis, std::span<const std::string> references) {
    if (references.empty()) fail<Error>("ChrF::add: no reference");
    const std::u32string said = characters(hypothesis);
    Counts best{};
    double best_score = -1;
    for (const std::string& reference : references) {
      const Counts counts = compare(said, characters(reference));
      const double score = f_score(counts);
      if (score > best_score) best = counts, best_score = score;
    }
    for (std::size_t n = 0; n < max_order; ++n) sums_[n] += best[n];
  }
  void add(std::string_view hypothesis, const std::string& reference) { add(hypothesis, {&reference, 1}); }
  /// Adds what another one has counted.
  void merge(const ChrF& other) {
    for (std::size_t n = 0; n < max_order; ++n) sums_[n] += other.sums_[n];
  }
  /// 0 to 100.
  double result() const { return f_score(sums_); }

 private:
  static constexpr std::size_t max_order = 6;
  struct Count {
    Index said = 0, there = 0, right = 0;
    Count& operator+=(const Count& c) {
      said += c.said, there += c.there, right += c.right;
      return *this;
    }
  };
  using Counts = std::array<Count, max_order>;  // n-grams of each length

  static std::u32string characters(std::string_view line) {
    std::u32string found;
    for (std::size_t at = 0; at < line.size();) {
      const text::CodePoint c = text::decode_utf8(line, at);
      at += c.bytes;
      if (!text::is_space(c.value)) found += c.value;
    }
    return found;
  }

  static std::vector<std::u32string_view> sorted_grams(const std::u32string& line, std::size_t n) {
    std::vector<std::u32string_view> grams;
    for (std::size_t i = 0; i + n <= line.size(); ++i) grams.push_back(std::u32string_view(line).substr(i, n));
    std::sort(grams.begin(), grams.end());
    return grams;
  }

  static Counts compare(const std::u32string& said, const std::u32string& reference) {
    Counts counts{};
    for (std::size_t n = 1; n <= max_order; ++n) {
      const auto ours = sorted_grams(said, n), theirs = sorted_grams(reference, n);
      Count& c = counts[n - 1];
      c.there = static_cast<Index>(theirs.size());
      if (!theirs.empty()) c.said = static_cast<Index>(ours.size());  // else there is nothing to be right about
      for (auto a = ours.begin(), b = theirs.begin(); a != ours.end() && b != theirs.end();) {
        if (*a == *b)
          ++c.right, ++a, ++b;
        else
          ++(*a < *b ? a : b);
      }
    }
    return counts;
  }

  static double f_score(const Counts& counts) {
    double precision = 0, recall = 0;
    int orders = 0;
    for (const Count& c : counts) {
      if (c.said == 0 || c.there == 0) continue;
      precision += static_cast<double>(c.right) / static_cast<double>(c.said);
      recall += static_cast<double>(c.right) / static_cast<double>(c.there);
      ++orders;
    }
    if (precision + recall == 0) return 0;
    precision /= orders;
    recall /= orders;
    constexpr double weight = 4;  // beta^2
    return 100 * (1 + weight) * precision * recall / (weight * precision + recall);
  }

  Counts sums_{};
};

}  // namespace gloss::inline GLOSS_ABI::metrics
