// The rules that keep the tree in order, checked on the text of the headers.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/source_files.hpp"

using gloss_test::SourceFile;

namespace {

const std::vector<SourceFile>& headers() {
  static const std::vector<SourceFile> files = gloss_test::read_sources(GLOSS_SOURCE_DIR "/include/gloss");
  return files;
}

// What each folder may include, besides itself.
const std::map<std::string, std::set<std::string>>& allowed_folders() {
  static const std::map<std::string, std::set<std::string>> allowed = {
      {"core", {}},
      {"kernels", {"core"}},
      {"tensor", {"core", "kernels"}},
      {"ops", {"core", "kernels", "tensor"}},
      {"linalg", {"core", "kernels", "tensor", "ops"}},
      {"nn", {"core", "kernels", "tensor", "ops", "linalg"}},
      {"transformer", {"core", "kernels", "tensor", "ops", "nn"}},
      {"models", {"core", "kernels", "tensor", "ops", "nn", "transformer", "io"}},
      {"optim", {"core", "kernels", "tensor", "ops", "nn", "transformer"}},
      {"text", {"core"}},
      {"data", {"core", "kernels", "tensor", "ops", "text", "io"}},
      {"io", {"core", "tensor", "ops", "nn"}},
      {"train", {"core", "kernels", "tensor", "ops", "nn", "transformer", "optim", "text", "data", "io"}},
      {"metrics", {"core", "tensor", "ops", "text", "train"}},
      {"decode", {"core", "kernels", "tensor", "ops", "nn", "transformer", "optim", "text", "data", "io", "train"}},
      {"dist",
       {"core", "kernels", "tensor", "ops", "nn", "transformer", "optim", "text", "data", "io", "train", "decode"}},
  };
  return allowed;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Headers that a program includes by name because they bring in a further library, or streams, or are for few.
bool is_opt_in(const SourceFile& file) {
  for (const char* name : {"iostream.hpp",
                           "core/mapped_file.hpp",
                           "io/key_map.hpp",
                           "io/npy.hpp",
                           "io/zip.hpp",
                           "io/safetensors.hpp",
                           "io/config_file.hpp",
                           "io/image.hpp",
                           "tensor/profile.hpp",
                           "nn/summary.hpp",
                           "reports.hpp",
                           "train.hpp",
                           "vision.hpp",
                           "io/torch_file.hpp",
                           "io/gguf.hpp",
                           "text/sentencepiece.hpp",
                           "ops/matmul_precision.hpp",
                           "ops/saved_precision.hpp",
                           "nn/quantize.hpp",
                           "nn/cache_precision.hpp",
                           "io/quantized_file.hpp",
                           "optim/compact_adamw.hpp",
                           "decode/speculative.hpp",
                           "decode/shortlist.hpp"})
    if (file.name == name) return true;
  for (const auto& [include, line] : file.includes())
    if (include.starts_with("<fmt/") || include.starts_with("<nlohmann/") || include.starts_with("<CLI/") ||
        include.starts_with("<stb/") || include == "<utf8proc.h>")
      return true;
  return false;
}

// A kernel, or a header that has everything in a namespace detail.
bool is_internal(const SourceFile& file) {
  bool public_names = false, hidden_names = false;
  for (const std::string& line : file.lines) {
    if (!line.starts_with("namespace gloss::inline GLOSS_ABI")) continue;
    const bool hidden = line.starts_with("namespace gloss::inline GLOSS_ABI::detail");
    (hidden ? hidden_names : public_names) = true;
  }
  return file.folder() == "kernels" || (hidden_names && !public_names);
}

const SourceFile* find_header(const std::string& include) {  // "<gloss/core/shape.hpp>"
  if (!include.starts_with("<gloss/")) return nullptr;
  const std::string name = include.substr(7, include.size() - 8);
  for (const auto& file : headers())
    if (file.name == name) return &file;
  return nullptr;
}

void collect(const SourceFile& file, std::set<const SourceFile*>& seen) {
  if (!seen.insert(&file).second) return;
  for (const auto& [include, line] : file.includes())
    if (const SourceFile* next = find_header(include)) collect(*next, seen);
}

std::string joined(const std::vector<std::string>& complaints) {
  std::string text;
  for (const auto& c : complaints) text += "\n  " + c;
  return text;
}

void expect_none(const std::vector<std::string>& complaints) {
  INFO(joined(complaints));
  CHECK(complaints.empty());
}

}  // namespace

TEST_CASE("layering: the headers are found") { REQUIRE(headers().size() > 10); }

TEST_CASE("layering: a header includes its own folder and those before it, nothing else") {
  std::vector<std::string> complaints;
  for (const auto& file : headers()) {
    if (file.folder().empty()) continue;  // gloss.hpp, text.hpp
    const auto rule = allowed_folders().find(file.folder());
    if (rule == allowed_folders().end()) {
      complaints.push_back(file.name + ": the folder has no place in the order");
      continue;
    }
    for (const auto& [include, line] : file.includes()) {
      if (!include.starts_with("<gloss/")) continue;
      if (include == "<gloss/kernels/simd/isa_copies.inc>" && file.folder() == "kernels") continue;  // not a header
      if (find_header(include) == nullptr) {
        complaints.push_back(file.at(line) + ": there is no " + include);
        continue;
      }
      const std::string folder = find_header(include)->folder();
      if (folder != file.folder() && folder != "" && !rule->second.contains(folder))
        complaints.push_back(file.at(line) + ": " + file.folder() + " may not include " + include);
      if (include == "<gloss/gloss.hpp>")
        complaints.push_back(file.at(line) + ": the umbrella is for programs, not for headers");
    }
  }
  expect_none(complaints);
}

TEST_CASE("layering: headers name each other as <gloss/...>, never in quotes") {
  std::vector<std::string> complaints;
  for (const auto& file : headers())
    for (const auto& [include, line] : file.includes())
      if (include.starts_with('"')) complaints.push_back(file.at(line) + ": " + include);
  expect_none(complaints);
}

TEST_CASE("layering: no header includes itself through others") {
  std::vector<std::string> complaints;
  for (const auto& file : headers())
    for (const auto& [include, line] : file.includes())
      if (const SourceFile* next = find_header(include)) {
        std::set<const SourceFile*> seen;
        collect(*next, seen);
        if (seen.contains(&file)) complaints.push_back(file.at(line) + ": a circle through " + include);
      }
  expect_none(complaints);
}

TEST_CASE("layering: Eigen is named in kernels only, besides the opt-in tensor/eigen*.hpp and linalg") {
  std::vector<std::string> complaints;
  for (const auto& file : headers())
    for (const auto& [include, line] : file.includes())
      if ((include.starts_with("<Eigen/") || include.starts_with("<unsupported/")) && file.folder() != "kernels" &&
          file.folder() != "linalg" && !file.name.starts_with("tensor/eigen"))
        complaints.push_back(file.at(line) + ": " + include);
  expect_none(complaints);
}

TEST_CASE("layering: OpenMP is named only where loops are split, and where a program's choice is read") {
  std::vector<std::string> complaints;
  for (const auto& file : headers()) {
    if (file.name == "core/parallel_for.hpp" || file.name == "core/openmp_team.hpp" || file.name == "core/config.hpp")
      continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i)
      if (contains(file.lines[i], "omp.h>") || contains(file.lines[i], "pragma omp") ||
          contains(file.lines[i], "defined(_OPENMP)") || contains(file.lines[i], "def _OPENMP"))
        complaints.push_back(file.at(static_cast<int>(i + 1)));
  }
  expect_none(complaints);
}

TEST_CASE("layering: what is slow to compile stays out of the headers that everybody includes") {
  const std::set<std::string> slow = {"<filesystem>", "<functional>", "<iostream>", "<map>",
                                      "<memory>",     "<ranges>",     "<regex>",    "<sstream>"};
  const std::set<std::string> light = {"core", "kernels", "tensor", "ops", "nn", "transformer"};
  std::vector<std::string> complaints;
  for (const auto& file : headers()) {
    if (!light.contains(file.folder())) continue;
    if (file.name.starts_with("tensor/eigen")) continue;       // opt-in, built on Eigen
    const bool format_header = contains(file.name, "format");  // opt-in, built on fmt
    for (const auto& [include, line] : file.includes())
      if (slow.contains(include) || include.starts_with("<nlohmann/") || include.starts_with("<CLI/") ||
          (include.starts_with("<fmt/") && !format_header))
        complaints.push_back(file.at(line) + ": " + include);
  }
  expect_none(complaints);
}

TEST_CASE("layering: the umbrellas reach every header, except those that need a further library") {
  std::set<const SourceFile*> reached;
  for (const auto& file : headers())
    if (file.name == "gloss.hpp" || file.name == "text.hpp" || file.name == "metrics.hpp" || file.name == "data.hpp")
      collect(file, reached);
  std::set<const SourceFile*> reached_by_name = reached;  // by an umbrella or by a header that is asked for by name
  for (const auto& file : headers())
    if (is_opt_in(file)) collect(file, reached_by_name);
  std::vector<std::string> complaints;
  for (const auto& file : headers()) {
    std::set<const SourceFile*> needed;
    collect(file, needed);
    bool opt_in = file.name.starts_with("tensor/eigen") || file.name == "nn/orthogonal.hpp" ||
                  file.name == "io/state_dict.hpp" || file.name == "linalg.hpp" || file.folder() == "linalg" ||
                  file.folder() == "models" || file.folder() == "dist";
    for (const SourceFile* next : needed) opt_in = opt_in || is_opt_in(*next);
    if (opt_in && reached.contains(&file))
      complaints.push_back("an umbrella includes " + file.name + ", which is opt-in");
    if (!opt_in && !reached_by_name.contains(&file) && !contains(file.name, "naive"))
      complaints.push_back("neither gloss.hpp nor text.hpp nor metrics.hpp nor data.hpp includes " + file.name);
  }
  expect_none(complaints);
}

TEST_CASE("layering: an umbrella names no header that only other headers need, which bring it in") {
  std::vector<std::string> complaints;
  for (const auto& umbrella : headers()) {
    if (umbrella.name != "gloss.hpp" && umbrella.name != "text.hpp") continue;
    for (const auto& [include, line] : umbrella.includes())
      if (const SourceFile* file = find_header(include); file != nullptr && is_internal(*file))
        complaints.push_back(umbrella.at(line) + ": " + include);
  }
  expect_none(complaints);
}

TEST_CASE("layering: every header says first what it is, then #pragma once") {
  std::vector<std::string> complaints;
  for (const auto& file : headers()) {
    if (file.lines.empty() || !file.lines[0].starts_with("// ")) {
      complaints.push_back(file.name + ": the first line is not a comment");
      continue;
    }
    std::size_t i = 0;
    while (i < file.lines.size() && (file.lines[i].starts_with("//") || file.lines[i].empty())) ++i;
    if (i == file.lines.size() || file.lines[i] != "#pragma once")
      complaints.push_back(file.name + ": no #pragma once");
  }
  expect_none(complaints);
}

TEST_CASE("layering: everything lives in the inline namespace named for the instruction set, then in its folder's") {
  const std::set<std::string> flat = {"", "core", "tensor", "ops"};
  std::vector<std::string> complaints;
  for (const auto& file : headers()) {
    const std::string own =
        "namespace gloss::inline GLOSS_ABI" + (flat.contains(file.folder()) ? "" : "::" + file.folder());
    int spaces = 0;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (!line.starts_with("namespace ") && !line.starts_with("inline namespace ")) continue;
      if (line.starts_with("namespace ") && contains(line, " = ")) continue;  // an alias
      if (spaces > 0 && line.starts_with("namespace detail")) continue;       // inside the first
      if (spaces > 0 && i + 1 < file.lines.size() && file.lines[i + 1].starts_with("GLOSS_INSTANTIATE("))
        continue;  // instances of another folder's templates
      ++spaces;
      const bool outside = line.starts_with("namespace fmt") || line.starts_with("namespace std");  // specialisations
      if (!outside && !line.starts_with(own)) complaints.push_back(file.at(static_cast<int>(i + 1)) + ": " + line);
      if (!outside && flat.contains(file.folder()) && line.starts_with(own + "::") &&
          !line.starts_with(own + "::detail"))
        complaints.push_back(file.at(static_cast<int>(i + 1)) + ": " + line);
    }
    bool declares = false;
    for (const auto& line : file.lines)
      declares = declares || line.starts_with("struct ") || line.starts_with("class ") ||
                 line.starts_with("template") || line.starts_with("inline ") || line.starts_with("constexpr ");
    if (spaces == 0 && declares) complaints.push_back(file.name + ": declares things outside a namespace");
  }
  expect_none(complaints);
}

TEST_CASE("layering: lines end by column 120, without tabs or trailing blanks") {
  std::vector<std::string> complaints;
  for (const auto& file : headers())
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      std::size_t columns = 0;  // characters, not bytes
      for (const char c : line) columns += (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
      if (columns > 120) complaints.push_back(file.at(static_cast<int>(i + 1)) + ": too long");
      if (contains(line, "\t")) complaints.push_back(file.at(static_cast<int>(i + 1)) + ": a tab");
      if (line.ends_with(' ') || line.ends_with('\r'))
        complaints.push_back(file.at(static_cast<int>(i + 1)) + ": ends in a blank");
    }
  expect_none(complaints);
}

TEST_CASE("layering: tests include Catch2 through support/catch.hpp, so that both versions work") {
  std::vector<std::string> complaints;
  for (const auto& file : gloss_test::read_sources(GLOSS_SOURCE_DIR "/tests", {".cpp", ".hpp"}))
    for (const auto& [include, line] : file.includes())
      if (include.starts_with("<catch2/") && file.folder() != "support")
        complaints.push_back(file.at(line) + ": " + include);
  expect_none(complaints);
}

TEST_CASE("layering: a CMake script asks for its version first, because a script has no policies of a project") {
  std::vector<std::string> complaints;
  for (const char* folder : {"/tests", "/examples"})
    for (const auto& file : gloss_test::read_sources(std::string(GLOSS_SOURCE_DIR) + folder, {".cmake"})) {
      std::size_t first = 0;
      while (first < file.lines.size() && file.lines[first].starts_with('#')) ++first;
      if (first == file.lines.size() || file.lines[first] != "cmake_minimum_required(VERSION 3.22)")
        complaints.push_back(file.name + ": the first command is not cmake_minimum_required(VERSION 3.22)");
    }
  expect_none(complaints);
}

// A kernel is tested by itself, through its op or its optimizer; what stands behind a door, kernels/gemm/blocks.hpp, through the door.
TEST_CASE("layering: a test in the folder of each header includes it by name") {
  std::set<std::string> named;  // "ops kernels/reduce.hpp": by a test in tests/ops
  for (const auto& file : gloss_test::read_sources(GLOSS_SOURCE_DIR "/tests", {".cpp"}))
    for (const auto& [include, line] : file.includes())
      if (const SourceFile* header = find_header(include)) named.insert(file.folder() + " " + header->name);
  const auto is_named = [&](const std::string& folder, const std::string& header) {
    return named.contains(folder + " " + header) ||
           (folder == "kernels" && (named.contains("ops " + header) || named.contains("optim " + header)));
  };
  std::vector<std::string> complaints;
  for (const auto& file : headers()) {
    const std::string folder = file.folder(), door = file.name.substr(0, file.name.rfind('/')) + ".hpp";
    if (!folder.empty() && !is_named(folder, file.name) && !is_named(folder, door))
      complaints.push_back("no test in tests/" + folder + " includes " + file.name);
  }
  expect_none(complaints);
}
