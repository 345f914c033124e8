// The recorded graph as a drawing.
#include <gloss/ops/add.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/ops/tanh.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/tensor/graph_dot.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("graph_dot: a node for each op and leaf, an edge for each use") {
  const Tensor<float> w = zeros<float>({3, 2}).requires_grad_();
  const Tensor<float> b = zeros<float>({2}).requires_grad_();
  const Tensor<float> x = zeros<float>({4, 3});  // needs no gradient: no part of the graph
  const Tensor<float> y = tanh(matmul(x, w) + b);
  const std::string dot = graph_dot(sum(y * y), {{"layer.\"w\"\\\n", w}, {"x", x}});
  CHECK(dot.substr(dot.find("  n6")) ==
        "  n6 [label=\"layer.\\\"w\\\"\\\\ \\n[3, 2]\", shape=ellipse, fillcolor=\"#cfe8ec\"];\n"
        "  n5 [label=\"leaf\\n[2]\", shape=ellipse, fillcolor=\"#cfe8ec\"];\n"
        "  n4 [label=\"matmul\\n[4, 2]\"];\n"
        "  n6 -> n4;\n"
        "  n3 [label=\"add\\n[4, 2]\"];\n"
        "  n4 -> n3;\n"
        "  n5 -> n3;\n"
        "  n2 [label=\"tanh\\n[4, 2]\"];\n"
        "  n3 -> n2;\n"
        "  n1 [label=\"mul\\n[4, 2]\"];\n"
        "  n2 -> n1;\n"
        "  n2 -> n1;\n"
        "  n0 [label=\"sum\\n[]\"];\n"
        "  n1 -> n0;\n"
        "}\n");
  CHECK(dot.starts_with("digraph {\n"));
}

TEST_CASE("graph_dot: a leaf alone, a long chain, and a tensor without a graph") {
  const Tensor<double> a = zeros<double>({1}).requires_grad_();
  CHECK(graph_dot(a).find("n0 [label=\"leaf\\n[1]\"") != std::string::npos);
  Tensor<double> y = a;
  for (int i = 0; i < 10000; ++i) y = y + a;
  const std::string dot = graph_dot(y);
  CHECK(dot.find("  n9999 -> n9998;\n") != std::string::npos);
  CHECK_ERROR(graph_dot(zeros<float>({2})), GradError, "graph_dot: the tensor is in no graph");
}
