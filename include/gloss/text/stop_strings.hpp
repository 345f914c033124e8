// A text that comes in pieces, up to one of some strings.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// Lets through what stands before the first stop string, wherever the pieces are cut: what may be the beginning of one
/// is held back until that is known. Of several the one that is complete first counts, of those the longest.
///   while (...) std::cout << stops.push(stream.push(token));   // until stops.stopped()
///   std::cout << stops.rest();
class StopStrings {
 public:
  /// Errors: Error for an empty string.
  explicit StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
    for (const std::string& string : strings_)
      if (string.empty()) fail<Error>("StopStrings: a stop string is empty");
  }

  /// A further piece; what is certain by now and was not given before.
  std::string push(std::string_view piece) {
    if (stopped_) return {};
    held_ += piece;
    std::size_t end = std::string::npos, begin = 0;  // of the stop string that is complete first
    for (const std::string& string : strings_) {
      const std::size_t at = held_.find(string);
      if (at == std::string::npos) continue;
      stopped_ = true;
      if (std::pair(at + string.size(), at) < std::pair(end, begin)) end = at + string.size(), begin = at;
    }
    if (!stopped_) {
      std::size_t kept = 0;  // the longest end that is the beginning of a stop string
      for (const std::string& string : strings_) {
        std::size_t n = (std::min)(string.size() - 1, held_.size());
        while (n > kept && !held_.ends_with(std::string_view(string).substr(0, n))) --n;
        kept = (std::max)(kept, n);
      }
      begin = held_.size() - kept;
    }
    std::string certain = held_.substr(0, begin);
    held_.erase(0, begin);
    return certain;
  }
  /// Whether a stop string has come.
  bool stopped() const { return stopped_; }
  /// What is held back at the end of the text: nothing behind a stop string.
  std::string rest() { return stopped_ ? std::string() : std::exchange(held_, {}); }

 private:
  std::vector<std::string> strings_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace gloss::inline GLOSS_ABI::text
