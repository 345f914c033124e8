// docs/linalg.md, optim.md, train.md, metrics.md, text.md, data.md, io.md, decode.md and tensor.md say what the headers
// say, and everything in them is tested.
#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/header_docs.hpp"

using gloss_test::DocEntry;
using gloss_test::DocHeader;

namespace {

struct Page {
  std::string name, title, about;
  std::vector<std::string> headers;  // folders and files
};

const std::vector<Page>& pages() {
  static const std::vector<Page> all = {
      {"tensor",
       "Tensors, graphs, threads and memory",
       "What stands around tensors and ops: element types, shapes and errors, grad mode and random streams, gradients\n"
       "and what watches them, other people's memory, printing, profiles, threads. Making tensors, the members of\n"
       "`Tensor` and the ops are in [ops.md](ops.md).",
       {"core/context.hpp",      "core/error.hpp",       "core/parallel_for.hpp",   "core/rng.hpp",
        "core/shape.hpp",        "tensor/element.hpp",   "tensor/anomaly.hpp",      "tensor/build_report.hpp",
        "tensor/checkpoint.hpp", "tensor/eigen.hpp",     "tensor/eigen_tensor.hpp", "tensor/from_blob.hpp",
        "tensor/grad.hpp",       "tensor/gradcheck.hpp", "tensor/graph_dot.hpp",    "tensor/hooks.hpp",
        "tensor/print.hpp",      "tensor/profile.hpp",   "tensor/storage.hpp",      "iostream.hpp"}},
      {"linalg",
       "Linear algebra",
       "Equations, decompositions and what is made of them, in `gloss::linalg`, with PyTorch's names. A program asks\n"
       "for it by `<gloss/linalg.hpp>` or by single headers, and needs Eigen. Matrices are the last two axes of a\n"
       "tensor of float or double, the axes before them are a batch; the threads share it, and the bits are the same\n"
       "for any number of threads.",
       {"linalg"}},
      {"optim",
       "Optimizers",
       "Optimizers, schedules and clipping, in `gloss::optim`; [training.md](training.md) shows them at work.",
       {"optim"}},
      {"train",
       "Training",
       "Batches of sentences, losses, the loop of the Annotated Transformer, BLEU, progress and pictures, in\n"
       "`gloss::train`. A loop of your own is in [training.md](training.md).",
       {"train"}},
      {"metrics",
       "Metrics",
       "What is measured of a model, in `gloss::metrics`, with `#include <gloss/metrics.hpp>`. Each is a value with\n"
       "`add(batch)`, `merge(other)` and `result()`: parts of a data set, seen in batches or by several processes, "
       "add\n"
       "up to the number of the whole.",
       {"metrics"}},
      {"data",
       "Data",
       "Data sets, samplers, the loader that makes batches on threads, and readers of files, in `gloss::data`, with\n"
       "`#include <gloss/data.hpp>`; sentence pairs and batches of like length come with `<gloss/text.hpp>`. Token "
       "ids\n"
       "are made in [text.md](text.md).",
       {"data"}},
      {"text",
       "Text",
       "UTF-8, words, vocabularies, subwords and what they have in common, in `gloss::text`.",
       {"text"}},
      {"io", "Files", "Safetensors, NumPy's arrays, images, and checkpoints, in `gloss::io`.", {"io"}},
      {"modules",
       "Modules",
       "What layers and models are made of and what is done with them, in `gloss::nn`: parameters, initialisation, "
       "state\n"
       "dicts, freezing, summaries. The layers are in [layers.md](layers.md).",
       {"nn/module.hpp", "nn/parameter.hpp", "nn/init.hpp", "nn/orthogonal.hpp", "nn/state_dict.hpp",
        "nn/load_state_dict.hpp", "nn/freeze.hpp", "nn/clones.hpp", "nn/apply.hpp", "nn/parameter_vector.hpp",
        "nn/summary.hpp", "nn/taps.hpp", "nn/attention_mask.hpp", "nn/feed_forward_activation.hpp", "nn/quantize.hpp",
        "nn/cache_precision.hpp"}},
      {"decode",
       "Decoding",
       "Greedy and beam search and sampling, with any model that a Stepper stands before, in `gloss::decode`.",
       {"decode"}},
  };
  return all;
}

/// In those headers, and for gloss itself.
bool is_internal(const std::string& name) {
  for (const char* known :
       {"Storage", "StoragePool", "Region", "ForeignStorage", "storage_alignment", "destroy", "append_part"})
    if (name == known) return true;
  return false;
}

std::vector<gloss_test::SourceFile> files_of(const Page& page) {
  std::vector<gloss_test::SourceFile> found;
  for (auto& file : gloss_test::read_sources(GLOSS_SOURCE_DIR "/include/gloss"))
    if (std::any_of(page.headers.begin(), page.headers.end(),
                    [&](const std::string& h) { return file.name == h || file.folder() == h; }))
      found.push_back(std::move(file));
  return found;
}

std::vector<DocHeader> headers_of(const Page& page) {
  std::vector<DocHeader> headers;
  for (const auto& file : files_of(page)) {
    DocHeader header = gloss_test::read_doc_header(file);
    std::erase_if(header.entries, [](const DocEntry& e) { return is_internal(e.names[0]); });
    std::erase_if(header.undocumented, [](const std::string& s) { return is_internal(s.substr(s.rfind(' ') + 1)); });
    if (!header.entries.empty()) headers.push_back(std::move(header));
  }
  return headers;
}

/// The texts in quotes within the arguments of each call of bad() or of what begins with "fail", blanks at their ends
/// left out.
std::vector<std::string> error_texts(const gloss_test::SourceFile& file) {
  std::string text;
  for (const std::string& line : file.lines) text += line + "\n";
  std::vector<std::string> found;
  const auto is_word = [&](std::size_t at) {
    return std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_';
  };
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (is_word(at - 1) || (text.compare(at, 4, "fail") != 0 && text.compare(at, 4, "bad(") != 0)) continue;
    std::size_t i = at;
    while (is_word(i)) ++i;
    if (text[i] == '<') i = text.find('>', i) + 1;
    if (text[i] != '(') continue;
    int depth = 0;
    do {
      if (text[i] == '(') ++depth;
      if (text[i] == ')') --depth;
      if (text[i] == '"') {
        const std::size_t begin = i + 1;
        for (++i; text[i] != '"'; ++i)
          if (text[i] == '\\') ++i;
        found.push_back(gloss_test::detail::trimmed(text.substr(begin, i - begin)));
      }
      ++i;
    } while (depth > 0 && i < text.size());
  }
  return found;
}

/// What takes more memory to bring about than a test should use, or cannot be brought about.
bool is_out_of_reach(const std::string& text) {
  for (const char* known :
       {": more than 2 GiB", "bytes is too long", "encode_png: out of memory", "encode_jpeg: out of memory",
        "zip: zlib does not start", "zip: zlib cannot deflate", "bytes, 4 GiB are too many",
        "zip: the archive passes 4 GiB", "storage: out of memory asking for", "GLOSS_CACHE_SWEEP: '",
        "' is not a number of allocations"})  // consume.notice starts programs for these
    if (text == known) return true;
  return false;
}

const std::string& tests() {
  static const std::string text = gloss_test::test_text({""});
  return text;
}

}  // namespace

TEST_CASE("reference pages: they are what the headers say") {
  for (const Page& page : pages()) {
    const auto headers = headers_of(page);
    const std::string text = "# " + page.title + "\n\n" + page.about +
                             "\n\nFrom the comments in the headers: this page is written by the test program\n"
                             "(`GLOSS_WRITE_DOCS=1 ctest -R meta.reference_docs`), and the test fails while it is not "
                             "what the headers say.\n\n" +
                             gloss_test::contents(headers) + gloss_test::sections(headers);
    INFO("docs/" << page.name << ".md: GLOSS_WRITE_DOCS=1 ctest -R meta.reference_docs writes it anew");
    CHECK(gloss_test::is_current(GLOSS_SOURCE_DIR "/docs/" + page.name + ".md", text));
    CHECK(headers.size() >= 3);
  }
}

TEST_CASE("reference pages: every public declaration has a comment") {
  std::string complaints;
  for (const Page& page : pages())
    for (const DocHeader& h : headers_of(page))
      for (const std::string& where : h.undocumented) complaints += "\n  " + where;
  INFO("without a comment:" << complaints);
  CHECK(complaints.empty());
}

TEST_CASE("reference pages: every function and member function is called by a test") {
  std::string complaints;
  for (const Page& page : pages())
    for (const DocHeader& h : headers_of(page))
      for (const DocEntry& e : h.entries) {
        for (const std::string& name : e.names)
          if (e.is_function() && !name.starts_with("operator") && !gloss_test::is_called(tests(), name, false))
            complaints += "\n  " + h.name + ": " + name;
        for (const std::string& name : e.members)
          if (!gloss_test::is_called(tests(), name, true))
            complaints += "\n  " + h.name + ": " + e.names[0] + "::" + name;
      }
  INFO("untested:" << complaints);
  CHECK(complaints.empty());
}

TEST_CASE("reference pages: every error text is pinned by a test") {
  std::string complaints;
  for (const Page& page : pages())
    for (const auto& file : files_of(page))
      for (const std::string& text : error_texts(file))
        if (text.size() > 5 && !is_out_of_reach(text) && tests().find(text) == std::string::npos)
          complaints += "\n  " + file.name + ": " + text;
  INFO("in no test:" << complaints);
  CHECK(complaints.empty());
}
