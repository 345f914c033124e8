// Reductions and running sums against PyTorch, special values, ties and zeros included.
#include <gloss/ops/any.hpp>
#include <gloss/ops/cummax.hpp>
#include <gloss/ops/cumprod.hpp>
#include <gloss/ops/cumsum.hpp>
#include <gloss/ops/logsumexp.hpp>
#include <gloss/ops/median.hpp>
#include <gloss/ops/norm.hpp>
#include <gloss/ops/prod.hpp>
#include <gloss/ops/var.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace {

Axes axes_of(const gloss_test::CaseData& c) {
  if (!c.has("axis")) return {};
  const auto axes = c.ids("axis");
  return Axes(Shape(axes.data(), axes.data() + axes.numel()));
}
ReduceOptions options_of(const gloss_test::CaseData& c) { return {.keepdim = c.integer("keepdim") != 0}; }
VarOptions var_options(const gloss_test::CaseData& c) {
  return {.correction = c.real("correction"), .keepdim = c.integer("keepdim") != 0};
}

}  // namespace

TEST_CASE("golden: extremes share their gradient as PyTorch's do", "[ops]") {
  CHECK_GOLDEN("amax", amax(c["x"], axes_of(c), options_of(c)));
  CHECK_GOLDEN("amin", amin(c["x"], axes_of(c), options_of(c)));
  CHECK_GOLDEN("max_of_all", max(c["x"]));
  CHECK_GOLDEN("min_of_all", min(c["x"]));
  CHECK_GOLDEN("max_values", max(c["x"], c.integer("axis")).values);
  CHECK_GOLDEN("min_values", min(c["x"], c.integer("axis")).values);
  CHECK_GOLDEN_VALUES("max_indices", max(c["x"], c.integer("axis")).indices);
  CHECK_GOLDEN_VALUES("min_indices", min(c["x"], c.integer("axis")).indices);
  CHECK_GOLDEN_VALUES("argmax_special", argmax(c["x"], c.integer("axis")));
  CHECK_GOLDEN_VALUES("argmin_special", argmin(c["x"], c.integer("axis")));
  CHECK_GOLDEN_VALUES("argmax_of_all", argmax(c["x"]));
  CHECK_GOLDEN_VALUES("argmin_of_all", argmin(c["x"]));
  CHECK_GOLDEN("median_values", median(c["x"], c.integer("axis")).values);
  CHECK_GOLDEN_VALUES("median_special", median(c["x"], c.integer("axis")).values);
  CHECK_GOLDEN("median_of_all", median(c["x"]));
}

TEST_CASE("golden: sums, products and norms are PyTorch's", "[ops]") {
  CHECK_GOLDEN("prod", prod(c["x"], axes_of(c), options_of(c)));
  CHECK_GOLDEN("norm", norm(c["x"], c.real("p"), axes_of(c), options_of(c)));
  CHECK_GOLDEN_VALUES("norm_zero", norm(c["x"], 0, axes_of(c)));
  CHECK_GOLDEN("logsumexp", logsumexp(c["x"], axes_of(c), options_of(c)));
  CHECK_GOLDEN("std_of_constant", std_dev(c["x"], axes_of(c)));
  CHECK_GOLDEN("var_mean_var", var_mean(c["x"], axes_of(c), var_options(c)).var);
  CHECK_GOLDEN("var_mean_mean", var_mean(c["x"], axes_of(c), var_options(c)).mean);
}

TEST_CASE("golden: reductions treat NaN and infinity as PyTorch's do", "[ops]") {
  CHECK_GOLDEN_EXACT("sum_special", Doubles, sum(c["x"], 1));
  CHECK_GOLDEN_EXACT("sum_across", Doubles, sum(c["x"], 0));
  CHECK_GOLDEN_EXACT("prod_special", Doubles, prod(c["x"], 1));
  CHECK_GOLDEN_EXACT("prod_across", Doubles, prod(c["x"], 0));
  CHECK_GOLDEN_EXACT("amax_special", Doubles, amax(c["x"], 1));
  CHECK_GOLDEN_EXACT("amax_across", Doubles, amax(c["x"], 0));
  CHECK_GOLDEN_EXACT("amin_special", Doubles, amin(c["x"], 1));
  CHECK_GOLDEN_EXACT("amin_across", Doubles, amin(c["x"], 0));
  CHECK_GOLDEN_EXACT("any_special", Doubles, any(c["x"], 1));
  CHECK_GOLDEN_EXACT("any_across", Doubles, any(c["x"], 0));
  CHECK_GOLDEN_EXACT("all_special", Doubles, all(c["x"], 1));
  CHECK_GOLDEN_EXACT("all_across", Doubles, all(c["x"], 0));
  CHECK_GOLDEN_EXACT("count_nonzero_special", Doubles, count_nonzero(c["x"], 1));
  CHECK_GOLDEN_EXACT("count_nonzero_across", Doubles, count_nonzero(c["x"], 0));
  CHECK_GOLDEN("logsumexp_special", logsumexp(c["x"], 1));
  CHECK_GOLDEN("mean_special", mean(c["x"], 1));
  CHECK_GOLDEN("var_special", var(c["x"], 1));
  CHECK_GOLDEN("std_special", std_dev(c["x"], 1));
}

TEST_CASE("golden: running sums, products and extremes are PyTorch's", "[ops]") {
  CHECK_GOLDEN("cumsum", cumsum(c["x"], c.integer("axis")));
  CHECK_GOLDEN("cumprod", cumprod(c["x"], c.integer("axis")));
  CHECK_GOLDEN("cummax_values", cummax(c["x"], c.integer("axis")).values);
  CHECK_GOLDEN("cummin_values", cummin(c["x"], c.integer("axis")).values);
  CHECK_GOLDEN_VALUES("cummax_indices", cummax(c["x"], c.integer("axis")).indices);
  CHECK_GOLDEN_VALUES("cummin_indices", cummin(c["x"], c.integer("axis")).indices);
}

TEST_CASE("golden: ranges and the identity are PyTorch's", "[ops]") {
  for (Index i = 0; i < gloss_test::golden_cases("linspace"); ++i) {
    const gloss_test::CaseData c("linspace", i);
    const auto y = linspace<double>(c.real("start"), c.real("end"), c.integer("steps"));
    CHECK(gloss_test::difference(y, c.expected("y")) < 1e-15);
  }
  for (Index i = 0; i < gloss_test::golden_cases("logspace"); ++i) {
    const gloss_test::CaseData c("logspace", i);
    const auto y = logspace<double>(c.real("start"), c.real("end"), c.integer("steps"), 2);
    CHECK(gloss_test::difference(y, c.expected("y")) < 1e-15);
  }
  for (Index i = 0; i < gloss_test::golden_cases("arange"); ++i) {
    const gloss_test::CaseData c("arange", i);
    const auto y = arange<double>(c.real("start"), c.real("end"), c.real("step"));
    CHECK(gloss_test::difference(y, c.expected("y")) < 1e-15);
  }
  for (Index i = 0; i < gloss_test::golden_cases("arange_int64"); ++i) {
    const gloss_test::CaseData c("arange_int64", i);
    const auto y = arange<std::int64_t>(c.integer("start"), c.integer("end"), c.integer("step"));
    CHECK(gloss_test::same_values(y, c.ids("y")));
  }
  for (Index i = 0; i < gloss_test::golden_cases("eye"); ++i) {
    const gloss_test::CaseData c("eye", i);
    CHECK(gloss_test::same_values(eye<double>(c.integer("n"), c.integer("m")), c.expected("y")));
  }
}
