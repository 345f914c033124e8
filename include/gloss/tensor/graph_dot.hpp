// The recorded graph of a result as a drawing, in Graphviz's language.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {

/// A name as Graphviz takes it between quotes.
GLOSS_LAZY GLOSS_COLD std::string dot_label(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

GLOSS_LAZY GLOSS_COLD std::string graph_dot(const NodeBase* result,
                                            const std::vector<std::pair<std::string, const NodeBase*>>& names) {
  if (!result) fail<GradError>("graph_dot: the tensor is in no graph");
  std::vector<const NodeBase*> nodes;  // the latest first; an input is older than what is made from it
  NodeQueue queue;
  queue.push(const_cast<NodeBase*>(result));
  while (!queue.empty()) {
    const NodeBase* const node = queue.pop();
    if (!nodes.empty() && nodes.back() == node) continue;
    nodes.push_back(node);
    for (int i = 0; i < node->inputs(); ++i)
      if (node->input(i)) queue.push(node->input(i));
  }
  const auto id = [&](const NodeBase* node) {
    const auto later = [](const NodeBase* a, const NodeBase* b) { return a->sequence() > b->sequence(); };
    return "n" + std::to_string(std::lower_bound(nodes.begin(), nodes.end(), node, later) - nodes.begin());
  };
  std::string dot =
      "digraph {\n  graph [rankdir=TB];\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#eef1f4\", "
      "color=\"#9aa7b5\", fontname=\"Helvetica\", fontsize=11];\n  edge [color=\"#5d6976\"];\n";
  for (std::size_t n = nodes.size(); n-- > 0;) {
    const NodeBase* const node = nodes[n];
    std::string name = node->op();
    for (const auto& [own, named] : names)
      if (named == node) name = own;
    dot += "  " + id(node) + " [label=\"" + dot_label(name) + "\\n" + to_string(node->shape()) + "\"" +
           (node->is_leaf() ? ", shape=ellipse, fillcolor=\"#cfe8ec\"" : "") + "];\n";
    for (int i = 0; i < node->inputs(); ++i)
      if (node->input(i)) dot += "  " + id(node->input(i)) + " -> " + id(node) + ";\n";
  }
  return dot + "}\n";
}

}  // namespace detail

/// The graph that a backward from `result` would walk: a box for each op, with its name and the shape of what it made,
/// and an ellipse for each tensor that gathers a gradient, with its name where `names` has it:
///   io::write_file_atomically("loss.dot", graph_dot(loss, model.named_parameters()));   then: dot -Tsvg loss.dot
/// Errors: GradError when the tensor is in no graph.
/// PyTorch: torchviz.make_dot
template <Real T>
std::string graph_dot(const Tensor<T>& result, const std::vector<std::pair<std::string, Tensor<T>>>& names = {}) {
  std::vector<std::pair<std::string, const NodeBase*>> nodes;
  for (const auto& [name, tensor] : names)
    if (tensor.node()) nodes.emplace_back(name, tensor.node());
  return detail::graph_dot(result.node(), nodes);
}

}  // namespace gloss::inline GLOSS_ABI
