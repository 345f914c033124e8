// For every op: a tensor that is overwritten between forward and backward either was not needed, and the gradients have
// the same bits, or the backward throws.
#include <set>

#include "support/catch.hpp"
#include "support/op_cases.hpp"
#include "support/source_files.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::Inputs;

namespace {

/// The gradients of a case when `changed` (an input's number, or -1 for the result, or -2 for nothing) is overwritten
/// before the backward; empty when that throws as it should.
Inputs gradients(const gloss_test::OpCase& c, int changed) {
  Inputs leaves;
  for (const Tensor<double>& x : c.inputs) leaves.push_back(x.clone().requires_grad_());
  const Tensor<double> y = c.call(leaves);
  Tensor<double> weights = gloss_test::numbers(y.shape(), 0.5);
  if (changed > -2) {
    const bool stretched = gloss::detail::overlaps_itself(y.shape(), y.strides());  // then it lies on the first input
    const Tensor<double> victim =
        changed < 0 && !stretched ? y : leaves[static_cast<std::size_t>(std::max(changed, 0))];
    victim.detach().fill_(0.77);
  }
  try {
    return grad(y, leaves, {.allow_unused = true}, weights);
  } catch (const GradError& error) {
    INFO(error.what());
    CHECK(std::string(error.what()).find(" that was saved for it has been changed in place by fill_ (version ") !=
          std::string::npos);
    return {};
  }
}

/// The names of the ops in a graph.
void collect(const NodeBase* node, std::set<const NodeBase*>& seen, std::set<std::string>& names) {
  if (!node || !seen.insert(node).second) return;
  names.insert(node->op());
  for (int i = 0; i < node->inputs(); ++i) collect(node->input(i), seen, names);
}

}  // namespace

TEST_CASE("saved tensors: no op's backward uses a value that was overwritten") {
  for (const auto& c : gloss_test::op_cases()) {
    INFO(c.name);
    const Inputs expected = gradients(c, -2);
    std::string saves;
    for (int changed = 0; changed <= static_cast<int>(c.inputs.size()); ++changed) {
      const bool result = changed == static_cast<int>(c.inputs.size());
      const Inputs got = gradients(c, result ? -1 : changed);
      if (got.empty()) saves += result ? 'y' : "xwb"[changed];
      for (std::size_t i = 0; i < got.size(); ++i) {
        CHECK(got[i].defined() == expected[i].defined());
        if (got[i].defined()) CHECK(gloss_test::same_bits(got[i], expected[i]));
      }
    }
    CHECK(saves == c.saves);
  }
}

TEST_CASE("op cases: every op that is recorded somewhere in the headers is among them") {
  std::set<std::string> recorded, called;
  for (const auto& file : gloss_test::read_sources(std::string(GLOSS_SOURCE_DIR) + "/include/gloss")) {
    if (file.folder() == "linalg") continue;             // tests/linalg/test_saved.cpp
    if (file.name == "models/reversible.hpp") continue;  // tests/models/test_reformer.cpp: it saves what layers do
    std::string text;
    for (const std::string& line : file.lines) text += line;
    for (const char* door : {"record(", "record_whole(", "record_part(", "record_on(", "record_overwrite("})
      for (auto at = text.find(door); at != std::string::npos; at = text.find(door, at + 1)) {
        const auto begin = text.find_first_not_of(' ', at + std::string(door).size());
        if (text[begin] == '"') recorded.insert(text.substr(begin + 1, text.find('"', begin + 1) - begin - 1));
      }
  }
  CHECK(recorded.count("mul") == 1);
  std::set<const NodeBase*> seen;
  std::vector<Tensor<double>> alive;
  for (const auto& c : gloss_test::op_cases()) {
    Inputs leaves;
    for (const Tensor<double>& x : c.inputs) leaves.push_back(x.clone().requires_grad_());
    alive.push_back(c.call(leaves));
    collect(alive.back().node(), seen, called);
    if (!c.refusal.empty()) continue;
    for (const Tensor<double>& g : grad(alive.back(), leaves, {.create_graph = true, .materialize_grads = true},
                                        gloss_test::numbers(alive.back().shape(), 0.5).requires_grad_())) {
      alive.push_back(g);
      collect(g.node(), seen, called);
    }
  }
  std::string missing;
  for (const std::string& name : recorded)
    if (called.count(name) == 0) missing += " " + name;
  CHECK(missing == "");
}
