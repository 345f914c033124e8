// docs/layers.md says what the headers of nn say, every layer says what is wanted of it, and every layer is tested.
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/header_docs.hpp"

using gloss_test::DocEntry;
using gloss_test::DocHeader;

namespace {

constexpr const char* page_path = GLOSS_SOURCE_DIR "/docs/layers.md";

/// The headers of nn that hold layers.
const std::vector<DocHeader>& layers() {
  static const std::vector<DocHeader> found = [] {
    std::vector<DocHeader> headers;
    for (const auto& file : gloss_test::read_sources(GLOSS_SOURCE_DIR "/include/gloss/nn")) {
      DocHeader header = gloss_test::read_doc_header(file);
      header.name = "nn/" + header.name;
      bool any = false;
      for (const DocEntry& e : header.entries) any = any || e.is_module;
      if (any) headers.push_back(std::move(header));
    }
    return headers;
  }();
  return found;
}
template <class F>
void each_layer(F f) {
  for (const DocHeader& h : layers())
    for (const DocEntry& e : h.entries)
      if (e.is_module) f(h, e);
}

/// The text of docs/layers.md.
std::string layers_page() {
  std::string page =
      "# Layers\n\n"
      "Every layer of `gloss::nn` beside what it is called in PyTorch, then the comments in the headers. This page is\n"
      "written by the test program (`GLOSS_WRITE_DOCS=1 ctest -R meta.layers_doc`), and the test fails while it is "
      "not\n"
      "what the headers say. `T` is float or double. A name, an option, a default, an initialisation and a key of the\n"
      "state dict are PyTorch's; options follow the sizes as `{.name = value}`. Options that mean nothing here are "
      "left\n"
      "out: `inplace`, since memory is recycled, `device` and `dtype`, which are the type of the layer.\n\n"
      "| layer | PyTorch | keys |\n|---|---|---|\n";
  const auto code = [](const std::string& text) {
    return text.empty() || text == "none" ? std::string(text.empty() ? "" : "none") : "`" + text + "`";
  };
  each_layer([&](const DocHeader& h, const DocEntry& e) {
    page += "| [" + e.names[0] + "](#" + gloss_test::anchor(h.name) + ") | " + code(e.field("PyTorch:")) + " | ";
    page += e.whole_field("Keys:") + " |\n";
  });
  page +=
      "\n`torch.nn.ModuleList` is a `std::vector` of layers of one type: `visit` names it once, and its members are\n"
      "`blocks.0`, `blocks.1`, ... `ModuleDict`, and a list of layers of several types, are members that `visit` "
      "names\n"
      "with a dot: `v(\"heads.a\", a)`; with keys that are known at run time, a `std::map` and a loop over it in "
      "`visit`.\n"
      "`ParameterList` and `ParameterDict` are the same with parameters.\n";
  return page + gloss_test::sections(layers());
}

}  // namespace

TEST_CASE("docs/layers.md: it is what the headers say") {
  INFO("GLOSS_WRITE_DOCS=1 ctest -R meta.layers_doc writes it anew");
  CHECK(gloss_test::is_current(page_path, layers_page()));
}

TEST_CASE("docs/layers.md: each layer says its shapes, where it is from and its keys, and a test makes it") {
  const std::string tests = gloss_test::test_text({"nn"});
  std::string complaints;
  int found = 0;
  each_layer([&](const DocHeader& h, const DocEntry& e) {
    ++found;
    const std::string where = "\n  " + h.name + ": " + e.names[0];
    if (e.text.empty()) complaints += where + " has no comment";
    if (!e.has("Shape:")) complaints += where + " has no Shape:";
    if (!e.has("PyTorch:") && !e.has("AT:") && !e.has("Source:")) complaints += where + " has no PyTorch: or Source:";
    if (e.has("PyTorch:") && e.field("PyTorch:").empty()) complaints += where + " has a PyTorch: that begins no line";
    if (e.has("Errors:") && tests.find("CHECK_ERROR(nn::" + e.names[0] + "<") == std::string::npos &&
        tests.find("CHECK_ERROR((nn::" + e.names[0] + "<") == std::string::npos &&
        tests.find(", \"" + e.names[0] + ": ") == std::string::npos)
      complaints += where + " promises errors whose texts no test of tests/nn holds";
    if (e.names_keys && !e.has("Keys:")) complaints += where + " has no Keys:";
    if (tests.find(e.names[0] + "<") == std::string::npos && tests.find("(" + e.names[0] + ")") == std::string::npos)
      complaints += where + " stands in no test of tests/nn";
  });
  INFO(complaints);
  CHECK(complaints.empty());
  CHECK(found > 20);
}
