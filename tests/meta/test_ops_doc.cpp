// docs/ops.md says what the headers say, and everything in it is tested.
#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/header_docs.hpp"

using gloss_test::DocEntry;
using gloss_test::DocHeader;

namespace {

constexpr const char* page_path = GLOSS_SOURCE_DIR "/docs/ops.md";

/// What docs/ops.md is about: factories, random tensors, the members of Tensor, every header of ops/.
const std::vector<DocHeader>& read_ops() {
  static const std::vector<DocHeader> found = [] {
    std::vector<DocHeader> headers;
    for (const auto& file : gloss_test::read_sources(GLOSS_SOURCE_DIR "/include/gloss")) {
      if (file.name == "tensor/tensor_class.hpp") headers.push_back(gloss_test::read_doc_header(file, "Tensor"));
      if (file.name == "tensor/factories.hpp" || file.name == "tensor/random.hpp" || file.folder() == "ops")
        headers.push_back(gloss_test::read_doc_header(file));
    }
    // What begins with "The shared part" is for those who write ops.
    std::erase_if(headers,
                  [](const DocHeader& h) { return h.entries.empty() || h.title.starts_with("The shared part"); });
    // Making tensors and the members first, then op by op.
    std::stable_sort(headers.begin(), headers.end(), [](const DocHeader& a, const DocHeader& b) {
      return a.name.starts_with("tensor/") && !b.name.starts_with("tensor/");
    });
    return headers;
  }();
  return found;
}

/// The text of docs/ops.md.
std::string ops_page() {
  std::string page =
      "# Ops\n\n"
      "Every factory, member of `Tensor` and op, from the comments in the headers. This page is written by the test\n"
      "program (`GLOSS_WRITE_DOCS=1 ctest -R meta.ops_doc`), and the test fails while it is not what the headers say.\n"
      "`T` is the element type; `Real` means float or double, `Element` any type that a tensor can hold.\n\n";
  return page + gloss_test::contents(read_ops()) + gloss_test::sections(read_ops());
}

const std::vector<std::string> test_folders = {"ops", "tensor"};

}  // namespace

TEST_CASE("docs/ops.md: it is what the headers say") {
  INFO("GLOSS_WRITE_DOCS=1 ctest -R meta.ops_doc writes it anew");
  CHECK(gloss_test::is_current(page_path, ops_page()));
}

TEST_CASE("docs/ops.md: every public declaration of an op header has a comment") {
  std::string complaints;
  for (const DocHeader& h : read_ops())
    for (const std::string& where : h.undocumented) complaints += "\n  " + where;
  INFO("without a comment:" << complaints);
  CHECK(complaints.empty());
}

TEST_CASE("docs/ops.md: every function in it is called by a test, and what it promises to throw is tested") {
  const std::string tests = gloss_test::test_text(test_folders);
  std::string complaints;
  for (const DocHeader& h : read_ops())
    for (const DocEntry& e : h.entries)
      for (const std::string& full : e.names) {
        const bool is_member = full.starts_with("Tensor::");
        const std::string name = is_member ? full.substr(8) : full;
        if (!e.is_function() || name == "Tensor" || name == "on_storage") continue;  // that one is from_blob's
        if (name.starts_with("operator")) {
          if (tests.find(" " + name.substr(8) + " ") == std::string::npos && name != "operator[]" &&
              name != "operator!" && name != "operator~" && name != "operator-")
            complaints += "\n  " + h.name + ": " + name + " is not used";
          continue;
        }
        if (!gloss_test::is_called(tests, name, is_member))
          complaints += "\n  " + h.name + ": " + name + " is not called";
      }
  INFO("untested:" << complaints);
  CHECK(complaints.empty());
}

TEST_CASE("docs/ops.md: every op with a backward is compared with PyTorch or with difference quotients") {
  std::string tests;  // where that is done
  for (const auto& file : gloss_test::read_sources(GLOSS_SOURCE_DIR "/tests", {".cpp", ".hpp"})) {
    const bool whole = file.name == "support/op_cases.hpp" || file.name == "ops/test_programs.cpp";
    if (!whole && file.folder() != "ops" && file.folder() != "tensor") continue;
    for (const std::string& line : file.lines)
      if (whole || line.find("CHECK_GOLDEN") != std::string::npos || line.find("gradcheck") != std::string::npos ||
          line.find("check_gradients") != std::string::npos)
        tests += line + "\n";
  }
  std::string complaints;
  for (const DocHeader& h : read_ops())
    for (const DocEntry& e : h.entries) {
      if (!e.has("Backward:") || !e.is_function()) continue;
      bool any = false;
      for (const std::string& full : e.names) {
        const bool is_member = full.starts_with("Tensor::");
        any = any || full.starts_with("operator") ||
              gloss_test::is_called(tests, is_member ? full.substr(8) : full, is_member);
      }
      if (!any) complaints += "\n  " + h.name + ": " + e.names[0];
    }
  INFO("gradient untested:" << complaints);
  CHECK(complaints.empty());
}

TEST_CASE("docs/ops.md: every error text that an op header can throw is pinned by a test") {
  const std::string tests = gloss_test::test_text(test_folders);
  std::string complaints;
  for (const DocHeader& h : read_ops())
    for (const DocEntry& e : h.entries) {
      if (!e.has("Errors:") || e.has("Errors: as ") || !e.is_function()) continue;
      bool any = false;
      for (const std::string& full : e.names) {
        const std::string name = full.starts_with("Tensor::") ? full.substr(8) : full;
        any = any || name == "Tensor" || name.starts_with("operator") ||
              tests.find("\"" + name + ": ") != std::string::npos;
      }
      if (!any) complaints += "\n  " + h.name + ": " + e.names[0];
    }
  INFO("promises errors that no test pins:" << complaints);
  CHECK(complaints.empty());
}
