// Reading and writing by position, searching and sorting against PyTorch: tests/golden/generate_ops_indexing.py
#include <gloss/ops/index.hpp>
#include <gloss/ops/masked_fill.hpp>
#include <gloss/ops/masked_select.hpp>
#include <gloss/ops/scatter_reduce.hpp>
#include <gloss/ops/searchsorted.hpp>
#include <gloss/ops/unique.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace {

template <class C>
IndexList indices(const C& c) {
  IndexList list;
  for (const char* name : {"i", "j", "k", "l"}) list.push_back(c.has(name) ? c.ids(name) : Tensor<std::int64_t>());
  while (!list.back().defined()) list.pop_back();
  return list;
}

}  // namespace

TEST_CASE("golden: elements read and written along an axis are PyTorch's", "[ops]") {
  CHECK_GOLDEN_EVERY("gathered", gather(x, c.integer("axis"), c.ids("index")));
  CHECK_GOLDEN_EVERY("scatter_add", scatter_add(x, c.integer("axis"), c.ids("index"), c.like(x, "source")));
  CHECK_GOLDEN_EVERY("scatter", scatter(x, c.integer("axis"), c.ids("index"), c.like(x, "source")));
  CHECK_GOLDEN_EVERY("scatter_value", scatter(x, c.integer("axis"), c.ids("index"), 1));
  CHECK_GOLDEN("scatter_reduce", scatter_reduce(c["x"], c.integer("axis"), c.ids("index"), c["source"],
                                                static_cast<ScatterReduce>(c.integer("how")),
                                                {.include_self = c.integer("include_self") != 0}));
  CHECK_GOLDEN_EVERY("take", take(x, c.ids("index")));
  CHECK_GOLDEN_EVERY("take_along_dim", c.has("axis") ? take_along_dim(x, c.ids("index"), c.integer("axis"))
                                                     : take_along_dim(x, c.ids("index")));
}

TEST_CASE("golden: positions of an axis read and written are PyTorch's", "[ops]") {
  CHECK_GOLDEN_EVERY("index_select", index_select(x, c.integer("axis"), c.ids("index")));
  CHECK_GOLDEN_EVERY("index_add", index_add(x, c.integer("axis"), c.ids("index"), c.like(x, "source")));
  CHECK_GOLDEN_EVERY("index_copy", index_copy(x, c.integer("axis"), c.ids("index"), c.like(x, "source")));
  CHECK_GOLDEN_EVERY("index_fill", index_fill(x, c.integer("axis"), c.ids("index"), 1));
}

TEST_CASE("golden: indexing by several tensors is PyTorch's", "[ops]") {
  CHECK_GOLDEN_EVERY("index", index(x, indices(c)));
  CHECK_GOLDEN_EVERY("index_put", index_put(x, indices(c), c.like(x, "values")));
  CHECK_GOLDEN_EVERY("index_put_add", index_put(x, indices(c), c.like(x, "values"), {.accumulate = true}));
  CHECK_GOLDEN_EVERY("index_mask", index(x, c.mask("mask")));
  CHECK_GOLDEN_EVERY("index_put_mask", index_put(x, c.mask("mask"), c.like(x, "values")));
}

TEST_CASE("golden: masks are PyTorch's", "[ops]") {
  CHECK_GOLDEN_EVERY("masked_select", masked_select(x, c.mask("mask")));
  CHECK_GOLDEN_EVERY("masked_scatter", masked_scatter(x, c.mask("mask"), c.like(x, "source")));
  CHECK_GOLDEN_EVERY("nonzero", nonzero(x));
  CHECK_GOLDEN_EVERY("where_tensors", where(c.mask("mask"), x, c.like(x, "other")));
  CHECK_GOLDEN("where_scalar", where(c.mask("mask"), c["x"], 0.5));
  CHECK_GOLDEN("where_scalar_first", where(c.mask("mask"), -INFINITY, c["x"]));
  CHECK_GOLDEN("masked_fill_tensor", masked_fill(c["x"], c.mask("mask"), c["value"]));
}

TEST_CASE("golden: searches in ordered and unordered numbers are PyTorch's", "[ops]") {
  CHECK_GOLDEN_EVERY("searchsorted", searchsorted(x, c.like(x, "values"), {.right = c.integer("right") != 0}));
  CHECK_GOLDEN_EVERY("unique_values", unique(x).values);
  CHECK_GOLDEN_EVERY("unique_inverse", unique(x).inverse);
  CHECK_GOLDEN_EVERY("unique_counts", unique(x).counts);
  CHECK_GOLDEN_EVERY("isin", isin(x, c.like(x, "set")));
  for (Index i = 0; i < gloss_test::golden_cases("bincount"); ++i) {
    const gloss_test::OpCase<double> c("bincount", i);
    CHECK(gloss_test::same_bits(bincount(c.ids("x"), c.integer("minlength")), c.ids("y")));
  }
  REQUIRE(gloss_test::golden_cases("bincount_weights") == 1);
  gloss_test::OpCase<double> c("bincount_weights", 0);
  CHECK(gloss_test::difference(bincount(c.ids("x"), c["weights"]), c.expected("y")) <= 1e-12);
}

TEST_CASE("golden: order is PyTorch's, with ties, NaN, infinities and signed zeros", "[ops]") {
  CHECK_GOLDEN_EVERY("sort", sort(x, c.integer("axis"), {.descending = c.integer("descending") != 0}).values);
  CHECK_GOLDEN_EVERY("argsort", argsort(x, c.integer("axis"), {.descending = c.integer("descending") != 0}));
  CHECK_GOLDEN_EVERY("topk", topk(x, c.integer("k"), c.integer("axis"), {.largest = c.integer("largest") != 0}).values);
  CHECK_GOLDEN_EVERY("kthvalue",
                     kthvalue(x, c.integer("k"), c.integer("axis"), {.keepdim = c.integer("keepdim") != 0}).values);
}
