// Code in README.md and docs/ is shown from files that the build compiles; this keeps it equal to them.
#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/source_files.hpp"

using gloss_test::SourceFile;

namespace {

struct Block {
  std::string where, source;  // source: what the comment above names, "" without one
  std::vector<std::string> lines;
};

// The ```cpp blocks of a page; above each stands <!-- path of the file it is taken from -->.
std::vector<Block> blocks(const SourceFile& page) {
  std::vector<Block> found;
  for (std::size_t i = 0; i < page.lines.size(); ++i) {
    if (page.lines[i] != "```cpp") continue;
    Block block{page.at(static_cast<int>(i + 1)), "", {}};
    if (i > 0 && page.lines[i - 1].starts_with("<!-- ") && page.lines[i - 1].ends_with(" -->"))
      block.source = page.lines[i - 1].substr(5, page.lines[i - 1].size() - 9);
    for (++i; i < page.lines.size() && page.lines[i] != "```"; ++i) block.lines.push_back(page.lines[i]);
    found.push_back(std::move(block));
  }
  return found;
}

std::vector<SourceFile> pages() {
  auto found = gloss_test::read_sources(GLOSS_SOURCE_DIR "/docs", {".md"});
  for (auto& page : found) page.name = "docs/" + page.name;
  SourceFile readme{"README.md", {}};
  std::ifstream in(GLOSS_SOURCE_DIR "/README.md");
  for (std::string line; std::getline(in, line);) readme.lines.push_back(line);
  found.push_back(std::move(readme));
  return found;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream in(std::string(GLOSS_SOURCE_DIR "/") + path);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The headers of gloss that a text names as <gloss/...>, and those that they include.
void add_headers(const std::vector<std::string>& text, std::set<std::string>& reached) {
  for (const auto& line : text)
    for (auto at = line.find("<gloss/"); at != std::string::npos; at = line.find("<gloss/", at + 1)) {
      const std::string header = line.substr(at + 1, line.find('>', at) - at - 1);
      if (reached.insert(header).second) add_headers(lines_of("include/" + header), reached);
    }
}

}  // namespace

TEST_CASE("docs: the README names, or includes by a header that it names, every header that is for users") {
  std::set<std::string> reached;
  add_headers(lines_of("README.md"), reached);
  std::string complaints;
  for (const auto& header : gloss_test::read_sources(GLOSS_SOURCE_DIR "/include/gloss", {".hpp"}))
    if (!header.name.starts_with("kernels/") && !reached.contains("gloss/" + header.name))
      complaints += "\n  " + header.name;
  INFO(complaints);
  CHECK(complaints.empty());
  CHECK(reached.contains("gloss/io/module_file.hpp"));
}

TEST_CASE("docs: every block of code stands, line by line, in the file that it names") {
  std::string complaints;
  int found = 0;
  for (const auto& page : pages())
    for (const auto& block : blocks(page)) {
      ++found;
      const auto file = lines_of(block.source);
      if (block.source.empty())
        complaints += "\n  " + block.where + ": no comment above names the file";
      else if (std::search(file.begin(), file.end(), block.lines.begin(), block.lines.end()) == file.end())
        complaints += "\n  " + block.where + ": not what stands in " + block.source;
    }
  INFO(complaints);
  CHECK(complaints.empty());
  CHECK(found >= 5);
}

TEST_CASE("docs: the README opens with the whole of its example") {
  const auto page = pages().back();
  const auto shown = blocks(page);
  REQUIRE(shown.size() == 1);
  CHECK(shown[0].source == "examples/readme/main.cpp");
  CHECK(shown[0].lines == lines_of("examples/readme/main.cpp"));
}

TEST_CASE("docs: links to files lead somewhere") {
  std::string complaints;
  for (const auto& page : pages())
    for (const auto& line : page.lines)
      for (auto at = line.find("]("); at != std::string::npos; at = line.find("](", at + 1)) {
        const auto end = line.find(')', at);
        if (end == std::string::npos) break;
        std::string target = line.substr(at + 2, end - at - 2);
        if (target.empty() || target.starts_with("http") || target[0] == '#') continue;
        if (const auto hash = target.find('#'); hash != std::string::npos) target.erase(hash);
        const auto folder = std::filesystem::path(GLOSS_SOURCE_DIR "/" + page.name).parent_path();
        if (target.find(' ') == std::string::npos && target.find('.') != std::string::npos &&
            !std::filesystem::exists(folder / target))
          complaints += "\n  " + page.name + ": there is no " + target;
      }
  INFO(complaints);
  CHECK(complaints.empty());
}
