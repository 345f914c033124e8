// grad(): derivatives as results, instead of added to the leaves.
#pragma once

#include <initializer_list>
#include <vector>

#include <gloss/tensor/record.hpp>

namespace gloss::inline GLOSS_ABI {

struct GradOptions {
  bool retain_graph = false;       // keep the graph for another backward
  bool create_graph = false;       // record the backward itself, for derivatives of the result; implies retain_graph
  bool allow_unused = false;       // an input that no output depends on gets an undefined tensor
  bool materialize_grads = false;  // it gets zeros; implies allow_unused
};

namespace detail {
/// A pass that keeps the gradients of some nodes, goes only where they are, and leaves every leaf's own gradient alone.
template <class T>
class CapturingPass final : public BackwardPass {
 public:
  CapturingPass(std::vector<const NodeBase*> nodes, BackwardOptions options)
      : BackwardPass(options, true), captured_(std::move(nodes)) {}

  /// What was kept for a node; undefined when nothing arrived there.
  Tensor<T> captured(const NodeBase* node) const {
    const NodeBase* const sum = this->sums().find(node);
    return sum ? static_cast<const LeafNode<T>*>(sum)->grad() : Tensor<T>{};
  }

 private:
  bool is_captured(const NodeBase* node) const {
    for (const NodeBase* captured : captured_)
      if (captured == node) return true;
    return false;
  }
  bool is_on_the_way(const NodeBase* node) const override {
    return is_captured(node) || (!node->is_leaf() && this->leads_on(node));
  }
  void capture(NodeBase* node, const void* gradient) override {
    if (is_captured(node)) this->template sum_for<T>(*node).set_grad(*static_cast<const Tensor<T>*>(gradient));
  }

  /// Finds out which nodes below `root` lead to a captured one.
  void explore(NodeBase* root) override {
    struct Visit {
      NodeBase* node;
      int next;  // input to look at
    };
    std::vector<Visit> path;
    const auto enter_node = [&](NodeBase* node) {
      if (node && !node->is_leaf() && this->begin_exploring(node)) path.push_back({node, 0});
    };
    enter_node(root);
    while (!path.empty()) {
      NodeBase* const node = path.back().node;
      if (path.back().next < node->inputs()) {
        enter_node(node->input(path.back().next++));
        continue;
      }
      for (int k = 0; k < node->inputs() && !this->leads_on(node); ++k)
        if (node->input(k) && is_on_the_way(node->input(k))) this->set_leads_on(node);
      path.pop_back();
    }
  }

  std::vector<const NodeBase*> captured_;
};
}  // namespace detail

/// The gradients of the sum of outputs[k] * gradients[k] with respect to inputs, leaves or results, in their order. No
/// gradients, or an undefined one, means 1 for an output of one element. Only what lies between is computed, and no
/// tensor's own grad() changes.
/// Errors: GradError as for backward; when an input does not require a gradient, or no output depends on it.
/// PyTorch: torch.autograd.grad
template <Real T>
std::vector<Tensor<T>> grad(const std::vector<Tensor<T>>& outputs, const std::vector<Tensor<T>>& inputs,
                            GradOptions options = {}, const std::vector<Tensor<T>>& gradients = {}) {
  if (!gradients.empty() && gradients.size() != outputs.size())
    fail<GradError>("grad: ", gradients.size(), " gradients for ", outputs.size(), " outputs");
  std::vector<Tensor<T>> start;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const Tensor<T>& y = outputs[k];
    if (!y.requires_grad()) fail<GradError>("grad: output ", k, " does not require a gradient");
    Tensor<T> g = gradients.empty() ? Tensor<T>{} : gradients[k];
    if (!g.defined()) {
      if (y.numel() != 1) fail<GradError>("grad: a gradient is needed for an output of shape ", y.shape());
      g = Tensor<T>::uninitialized(y.shape()).fill_(T{1});
    }
    if (g.shape() != y.shape())
      fail<GradError>("grad: gradient ", k, " has shape ", g.shape(), ", the output has ", y.shape());
    start.push_back(std::move(g));
  }
  std::vector<const NodeBase*> wanted;
  for (const Tensor<T>& x : inputs) {
    if (!x.requires_grad()) fail<GradError>("grad: input ", wanted.size(), " does not require a gradient");
    wanted.push_back(x.node());
  }
  detail::CapturingPass<T> pass(std::move(wanted),
                                {.retain_graph = options.retain_graph, .create_graph = options.create_graph});
  for (std::size_t k = 0; k < outputs.size(); ++k) pass.enter(outputs[k], start[k]);
  pass.run();
  std::vector<Tensor<T>> result;
  for (const Tensor<T>& x : inputs) {
    Tensor<T> g = pass.captured(x.node());
    if (!g.defined() && options.materialize_grads) g = Tensor<T>::uninitialized(x.shape()).zero_();
    if (!g.defined() && !options.allow_unused)
      fail<GradError>("grad: no output depends on input ", result.size(),
                      "; pass {.allow_unused = true} if it may be so");
    result.push_back(std::move(g));
  }
  return result;
}
template <Real T>
std::vector<Tensor<T>> grad(std::initializer_list<Tensor<T>> outputs, const std::vector<Tensor<T>>& inputs,
                            GradOptions options = {}, const std::vector<Tensor<T>>& gradients = {}) {
  return grad(std::vector<Tensor<T>>(outputs), inputs, options, gradients);
}
/// The same for one output.
template <Real T>
std::vector<Tensor<T>> grad(const Tensor<T>& output, const std::vector<Tensor<T>>& inputs, GradOptions options = {},
                            Tensor<T> gradient = {}) {
  return grad(std::vector<Tensor<T>>{output}, inputs, options, {gradient});
}

}  // namespace gloss::inline GLOSS_ABI
