// Corpus BLEU, the same number as sacreBLEU's default.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <gloss/core/shape.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Tokens by the rules of WMT's mteval-v13a, with white space between them: some entities are resolved, ASCII
/// punctuation stands alone, a period or comma is split off unless it is between digits, a dash after a digit too.
/// Works on bytes; text should be UTF-8.
inline std::string tokenize_13a(std::string_view text) {
  std::string line(text);
  const auto replace_all = [&](std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = line.find(from, at)) != std::string::npos; at += to.size())
      line.replace(at, from.size(), to);
  };
  // Trailing white space goes first: it may hold the line end that would join a word broken by a hyphen.
  std::size_t end = 0;
  for (std::size_t at = 0; at < line.size();) {
    const text::CodePoint c = text::decode_utf8(line, at);
    at += c.bytes;
    if (!text::is_space(c.value)) end = at;
  }
  line.resize(end);
  replace_all("<skipped>", "");
  replace_all("-\n", "");
  replace_all("\n", " ");
  replace_all("&quot;", "\"");
  replace_all("&amp;", "&");
  replace_all("&lt;", "<");
  replace_all("&gt;", ">");

  // Four passes, each replacing its matches from the left without overlap. '1' and '2' in a replacement stand for the
  // bytes matched. A class of "not a digit" meets a character's last or first byte, which is as good as all of it.
  std::string in = " " + line + " ", out;
  const auto pass = [&](std::size_t width, std::string_view replacement, const auto& matches) {
    out.clear();
    for (std::size_t i = 0; i < in.size();) {
      if (i + width > in.size() || !matches(in[i], in[i + width - 1])) {
        out += in[i++];
        continue;
      }
      for (const char c : replacement) out += c == '1' ? in[i] : c == '2' ? in[i + 1] : c;
      i += width;
    }
    in.swap(out);
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_stop = [](char c) { return c == '.' || c == ','; };
  pass(1, " 1 ", [](char c, char) {
    return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
           (c >= ':' && c <= '@') || c == '/';
  });
  pass(2, "1 2 ", [&](char first, char second) { return !is_digit(first) && is_stop(second); });
  pass(2, " 1 2", [&](char first, char second) { return is_stop(first) && !is_digit(second); });
  pass(2, "1 2 ", [&](char first, char second) { return is_digit(first) && second == '-'; });
  return in;
}

/// BLEU and what it is made of.
struct BleuScore {
  static constexpr int max_order = 4;
  double score = 0;                            ///< 0 to 100
  std::array<double, max_order> precisions{};  ///< per cent, smoothed
  double brevity_penalty = 1;
  Index hyp_len = 0, ref_len = 0;  ///< tokens
  std::array<Index, max_order> correct{}, total{};

  /// "BLEU = 25.31 60.1/33.2/19.8/11.9 (BP = 0.967 ratio = 0.967 hyp_len = 2914 ref_len = 3012)"
  std::string to_string() const {
    const double ratio = ref_len > 0 ? static_cast<double>(hyp_len) / static_cast<double>(ref_len) : 0.0;
    char text[240];
    std::snprintf(text, sizeof text,
                  "BLEU = %.2f %.1f/%.1f/%.1f/%.1f (BP = %.3f ratio = %.3f hyp_len = %lld ref_len = %lld)", score,
                  precisions[0], precisions[1], precisions[2], precisions[3], brevity_penalty, ratio,
                  static_cast<long long>(hyp_len), static_cast<long long>(ref_len));
    return text;
  }
};

/// Gathers the counts of a corpus sentence by sentence.
/// Source: Papineni et al. 2002; Post 2018, "A call for clarity in reporting BLEU scores".
class Bleu {
 public:
  /// Adds a translation and its references, untokenized.
  /// Errors: Error when there is no reference.
  void add(std::string_view hypothesis, std::span<const std::string> references) {
    if (references.empty()) fail<Error>("Bleu::add: no reference");
    ids_.clear();
    const std::vector<int> hyp = tokens(hypothesis);
    Index closest = -1;
    std::vector<std::vector<int>> refs;
    for (const std::string& reference : references) {
      refs.push_back(tokens(reference));
      const Index length = static_cast<Index>(refs.back().size()), mine = static_cast<Index>(hyp.size());
      const Index away = length > mine ? length - mine : mine - length;
      const Index best = closest > mine ? closest - mine : mine - closest;
      if (closest < 0 || away < best || (away == best && length < closest)) closest = length;
    }
    sums_.hyp_len += static_cast<Index>(hyp.size());
    sums_.ref_len += closest;
    for (int n = 1; n <= BleuScore::max_order; ++n) count_order(n, hyp, refs);
  }
  void add(std::string_view hypothesis, const std::string& reference) { add(hypothesis, {&reference, 1}); }

  /// Adds what another one has counted.
  void merge(const Bleu& other) {
    sums_.hyp_len += other.sums_.hyp_len;
    sums_.ref_len += other.sums_.ref_len;
    for (std::size_t n = 0; n < BleuScore::max_order; ++n) {
      sums_.correct[n] += other.sums_.correct[n];
      sums_.total[n] += other.sums_.total[n];
    }
  }

  /// The score alone, 0 to 100.
  double result() const { return score().score; }
  /// Geometric mean of the n-gram precisions times the brevity penalty; an order without a match is smoothed to
  /// 1 / (2^k total), k counting such orders ("exp" smoothing).
  BleuScore score() const {
    BleuScore result = sums_;
    const double hyp_len = static_cast<double>(sums_.hyp_len), ref_len = static_cast<double>(sums_.ref_len);
    if (sums_.hyp_len < sums_.ref_len)
      result.brevity_penalty = sums_.hyp_len > 0 ? std::exp(1.0 - ref_len / hyp_len) : 0.0;
    if (std::all_of(sums_.correct.begin(), sums_.correct.end(), [](Index c) { return c == 0; })) return result;
    double smooth = 1, log_sum = 0;
    bool has_order = true;
    for (std::size_t n = 0; n < BleuScore::max_order; ++n) {
      has_order = has_order && sums_.total[n] > 0;
      double precision = 0;
      if (has_order && sums_.correct[n] == 0)
        precision = 100.0 / ((smooth *= 2) * static_cast<double>(sums_.total[n]));
      else if (has_order)
        precision = 100.0 * static_cast<double>(sums_.correct[n]) / static_cast<double>(sums_.total[n]);
      result.precisions[n] = precision;
      log_sum += precision > 0 ? std::log(precision) : -9999999999.0;  // a corpus too short for the order scores 0
    }
    result.score = result.brevity_penalty * std::exp(log_sum / BleuScore::max_order);
    return result;
  }

 private:
  using Gram = std::array<int, BleuScore::max_order>;

  std::vector<int> tokens(std::string_view text) {
    std::vector<int> result;
    text::for_each_word(tokenize_13a(text), [&](std::string_view word) {
      result.push_back(ids_.emplace(std::string(word), static_cast<int>(ids_.size())).first->second);
    });
    return result;
  }

  static std::vector<Gram> grams(int n, const std::vector<int>& words) {
    std::vector<Gram> result;
    const auto width = static_cast<std::size_t>(n);
    for (std::size_t i = 0; i + width <= words.size(); ++i) {
      Gram gram{};
      std::copy_n(words.begin() + static_cast<std::ptrdiff_t>(i), n, gram.begin());
      result.push_back(gram);
    }
    std::sort(result.begin(), result.end());
    return result;
  }

  void count_order(int n, const std::vector<int>& hyp, const std::vector<std::vector<int>>& refs) {
    const auto order = static_cast<std::size_t>(n - 1);
    const std::vector<Gram> mine = grams(n, hyp);
    std::vector<std::vector<Gram>> theirs;
    for (const auto& ref : refs) theirs.push_back(grams(n, ref));
    sums_.total[order] += static_cast<Index>(mine.size());
    for (auto first = mine.begin(); first != mine.end();) {
      const auto last = std::upper_bound(first, mine.end(), *first);
      Index most = 0;
      for (const auto& list : theirs) {
        const auto [low, high] = std::equal_range(list.begin(), list.end(), *first);
        most = (std::max)(most, static_cast<Index>(high - low));
      }
      sums_.correct[order] += (std::min)(most, static_cast<Index>(last - first));
      first = last;
    }
  }

  BleuScore sums_;
  std::unordered_map<std::string, int> ids_;  // of the words of one sentence and its references
};

/// BLEU of translations against one reference each.
/// Errors: Error when the lists differ in length.
/// PyTorch: sacrebleu.corpus_bleu(hypotheses, [references])
GLOSS_LAZY BleuScore corpus_bleu(const std::vector<std::string>& hypotheses,
                                 const std::vector<std::string>& references) {
  if (hypotheses.size() != references.size())
    fail<Error>("corpus_bleu: ", hypotheses.size(), " hypotheses, ", references.size(), " references");
  Bleu bleu;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) bleu.add(hypotheses[i], references[i]);
  return bleu.score();
}
GLOSS_INSTANTIATE(BleuScore corpus_bleu(const std::vector<std::string>&, const std::vector<std::string>&))

}  // namespace gloss::inline GLOSS_ABI::train
