// docs/annotated.md maps the Annotated Transformer to headers; this keeps the map true.
#include <cctype>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/source_files.hpp"

using gloss_test::SourceFile;

namespace {

// The texts between single back quotes.
std::vector<std::string> quoted(const std::string& line) {
  std::vector<std::string> found;
  std::size_t from = 0;
  while (true) {
    const auto open = line.find('`', from);
    if (open == std::string::npos) return found;
    const auto close = line.find('`', open + 1);
    if (close == std::string::npos) return found;
    found.push_back(line.substr(open + 1, close - open - 1));
    from = close + 1;
  }
}

// "include/gloss/transformer/encoder.hpp" or "transformer/encoder.hpp" to the latter; "" for anything else.
std::string header_name(std::string text) {
  for (const std::string prefix : {"../", "include/", "<", "gloss/"})
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
  if (text.ends_with('>')) text.pop_back();
  return text.ends_with(".hpp") && text.find(' ') == std::string::npos ? text : "";
}

// The last part of a qualified name, without arguments: "transformer::Encoder<T>" to "Encoder"; "" if it is no name.
std::string last_name(std::string text) {
  if (const auto cut = text.find_first_of("<("); cut != std::string::npos) text.erase(cut);
  if (const auto colon = text.rfind("::"); colon != std::string::npos) text.erase(0, colon + 2);
  if (text.empty()) return "";
  for (const char c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') return "";
  return text;
}

bool has_word(const SourceFile& file, const std::string& word) {
  const auto part_of_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (const auto& line : file.lines)
    for (auto at = line.find(word); at != std::string::npos; at = line.find(word, at + 1)) {
      const auto end = at + word.size();
      if ((at == 0 || !part_of_word(line[at - 1])) && (end == line.size() || !part_of_word(line[end]))) return true;
    }
  return false;
}

// Cells of a table row; empty for other lines and for the line under the heading.
std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> found;
  if (!line.starts_with('|')) return found;
  std::size_t from = 1;
  for (auto bar = line.find('|', from); bar != std::string::npos; bar = line.find('|', from)) {
    found.push_back(line.substr(from, bar - from));
    from = bar + 1;
  }
  bool rule = true;
  for (const auto& cell : found) rule = rule && cell.find_first_not_of(" -:") == std::string::npos;
  return rule ? std::vector<std::string>{} : found;
}

}  // namespace

// In each table row, every back-quoted header must exist; and every back-quoted name in the cell that names headers,
// or in a cell after it, must stand in one of the row's headers. The cells before are the notebook's own names.
TEST_CASE("annotated.md: every header and every name in its tables exists") {
  const auto headers = gloss_test::read_sources(GLOSS_SOURCE_DIR "/include/gloss");
  const auto docs = gloss_test::read_sources(GLOSS_SOURCE_DIR "/docs", {".md"});
  const SourceFile* map = nullptr;
  for (const auto& file : docs)
    if (file.name == "annotated.md") map = &file;
  REQUIRE(map != nullptr);

  int rows = 0;
  std::string complaints;
  for (std::size_t i = 0; i < map->lines.size(); ++i) {
    const auto row = cells(map->lines[i]);
    std::vector<const SourceFile*> named;
    std::size_t first_cell = row.size();
    for (std::size_t c = 0; c < row.size(); ++c)
      for (const auto& text : quoted(row[c])) {
        const std::string name = header_name(text);
        if (name.empty()) continue;
        if (first_cell == row.size()) first_cell = c;
        const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.name == name; });
        if (found == headers.end())
          complaints += "\n  " + map->at(static_cast<int>(i + 1)) + ": there is no header " + name;
        else
          named.push_back(&*found);
      }
    if (first_cell == row.size()) continue;
    ++rows;
    for (std::size_t c = first_cell; c < row.size(); ++c)
      for (const auto& text : quoted(row[c])) {
        if (!header_name(text).empty()) continue;
        const std::string name = last_name(text);
        if (name.empty()) continue;
        const bool found = std::any_of(named.begin(), named.end(), [&](const auto* h) { return has_word(*h, name); });
        if (!found) complaints += "\n  " + map->at(static_cast<int>(i + 1)) + ": no " + name + " in the row's headers";
      }
  }
  INFO(complaints);
  CHECK(complaints.empty());
  CHECK(rows >= 10);
}
