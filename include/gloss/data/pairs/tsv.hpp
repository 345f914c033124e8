// Sentence pairs from tab-separated text: one pair a line, source TAB target.
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/data/pairs/sentence_pair.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Pairs from text that is already in memory; `name` stands for the file in messages. A byte order mark and CRLF or CR
/// line ends are accepted, empty lines are skipped; quotes are text like any other.
/// Errors: LoadError naming file, line and cause: a line that has not two fields, an empty field, bytes that are not
/// UTF-8, or no pairs at all.
GLOSS_LAZY std::vector<SentencePair> parse_tsv(std::string_view text, std::string_view name) {
  std::vector<SentencePair> pairs;
  if (detail::starts_with_bom(text)) text.remove_prefix(3);
  const char end_of_line = detail::line_end(text);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = detail::take_line(text, end_of_line);
    if (line.empty()) continue;
    const auto fields = std::count(line.begin(), line.end(), '\t') + 1;
    if (fields != 2)
      detail::fail_at_line("read_tsv", name, number, "expected 2 fields separated by a tab, found ", fields);
    detail::check_utf8_line("read_tsv", name, number, line);
    const std::size_t tab = line.find('\t');
    if (tab == 0) detail::fail_at_line("read_tsv", name, number, "the source field is empty");
    if (tab + 1 == line.size()) detail::fail_at_line("read_tsv", name, number, "the target field is empty");
    pairs.push_back({std::string(line.substr(0, tab)), std::string(line.substr(tab + 1))});
  }
  if (pairs.empty()) fail<LoadError>("read_tsv: ", name, ": no sentence pairs in the file");
  return pairs;
}
GLOSS_INSTANTIATE(std::vector<SentencePair> parse_tsv(std::string_view, std::string_view))

/// Pairs from a file; see parse_tsv.
inline std::vector<SentencePair> read_tsv(const std::string& path) { return parse_tsv(read_file(path), path); }

}  // namespace gloss::inline GLOSS_ABI::data
