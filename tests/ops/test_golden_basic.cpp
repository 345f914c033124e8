// Arithmetic, reductions, products and selections against PyTorch: tests/golden/generate_ops.py
#include <gloss/ops/abs.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/embedding.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/gather.hpp>
#include <gloss/ops/linear.hpp>
#include <gloss/ops/log.hpp>
#include <gloss/ops/masked_fill.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/max.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/pow.hpp>
#include <gloss/ops/relu.hpp>
#include <gloss/ops/sigmoid.hpp>
#include <gloss/ops/sqrt.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/ops/tanh.hpp>
#include <gloss/ops/var.hpp>
#include <gloss/ops/where.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace {

template <class T>
Axes axes_of(const gloss_test::OpCase<T>& c) {
  return c.has("axis") ? Axes(c.integer("axis")) : Axes();
}
template <class T>
VarOptions var_options(const gloss_test::OpCase<T>& c) {
  return {.correction = static_cast<double>(c.integer("unbiased", 1)), .keepdim = c.integer("keepdim") != 0};
}

}  // namespace

TEST_CASE("golden: arithmetic with broadcasting is PyTorch's", "[ops]") {
  CHECK_GOLDEN("add", c["a"] + c["b"]);
  CHECK_GOLDEN("sub", c["a"] - c["b"]);
  CHECK_GOLDEN("mul", c["a"] * c["b"]);
  CHECK_GOLDEN("div", c["a"] / c["b"]);
}

TEST_CASE("golden: elementwise functions are PyTorch's", "[ops]") {
  CHECK_GOLDEN("exp", exp(c["x"]));
  CHECK_GOLDEN("log", log(c["x"]));
  CHECK_GOLDEN("sqrt", sqrt(c["x"]));
  CHECK_GOLDEN("relu", relu(c["x"]));
  CHECK_GOLDEN("neg", -c["x"]);
  CHECK_GOLDEN("abs", abs(c["x"]));
  CHECK_GOLDEN("sigmoid", sigmoid(c["x"]));
  CHECK_GOLDEN("tanh", tanh(c["x"]));
  CHECK_GOLDEN("pow", pow(c["x"], c.real("exponent")));
}

TEST_CASE("golden: reductions are PyTorch's", "[ops]") {
  CHECK_GOLDEN("sum", sum(c["x"], axes_of(c), {.keepdim = c.integer("keepdim") != 0}));
  CHECK_GOLDEN("mean", mean(c["x"], axes_of(c), {.keepdim = c.integer("keepdim") != 0}));
  CHECK_GOLDEN("var", var(c["x"], axes_of(c), var_options(c)));
  CHECK_GOLDEN("std", std_dev(c["x"], axes_of(c), var_options(c)));
  CHECK_GOLDEN("max", c.has("axis") ? max(c["x"], c.integer("axis"), {.keepdim = c.integer("keepdim") != 0}).values
                                    : max(c["x"]));
  for (Index i = 0; i < gloss_test::golden_cases("argmax"); ++i) {
    gloss_test::OpCase<double> c("argmax", i);
    const auto y = argmax(c["x"], c.integer("axis"), {.keepdim = c.integer("keepdim") != 0});
    CHECK(gloss_test::difference(y, c.ids("y")) == 0);
  }
}

TEST_CASE("golden: products of matrices, batches and vectors are PyTorch's", "[ops]") {
  CHECK_GOLDEN("matmul", matmul(c["a"], c["b"]));
  CHECK_GOLDEN("matmul_nt", matmul(c["a"], c["b"].transpose(-2, -1)));
  CHECK_GOLDEN("matmul_tn", matmul(c["a"].transpose(-2, -1), c["b"]));
  CHECK_GOLDEN("linear", c.has("bias") ? linear(c["x"], c["weight"], c["bias"]) : linear(c["x"], c["weight"]));
}

TEST_CASE("golden: selections and joins are PyTorch's", "[ops]") {
  CHECK_GOLDEN("masked_fill", masked_fill(c["x"], c.mask("mask"), c.real("value")));
  CHECK_GOLDEN("where", where(c.mask("mask"), c["a"], c["b"]));
  CHECK_GOLDEN("embedding", embedding(c.ids("ids"), c["weight"]));
  CHECK_GOLDEN("gather", gather(c["x"], c.integer("axis"), c.ids("index")));
  CHECK_GOLDEN("cat", cat(std::vector{c["a"], c["b"], c["c"]}, c.integer("axis")));
  CHECK_GOLDEN("stack", stack(std::vector{c["a"], c["b"]}, c.integer("axis")));
  CHECK_GOLDEN("slice", c["x"].slice(c.integer("axis"), c.integer("start"), c.integer("end"), c.integer("step")));
  CHECK_GOLDEN("select", c["x"].select(c.integer("axis"), c.integer("index")));
  CHECK_GOLDEN("permute", [&] {
    const auto dims = c.ids("dims");
    return c["x"].permute(Shape(dims.data(), dims.data() + dims.numel()));
  }());
}
