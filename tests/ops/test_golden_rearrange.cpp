// Copies in another order, borders, triangles and diagonals against PyTorch: tests/golden/generate_ops_indexing.py
#include <gloss/ops/cdist.hpp>
#include <gloss/ops/diag.hpp>
#include <gloss/ops/flip.hpp>
#include <gloss/ops/hstack.hpp>
#include <gloss/ops/meshgrid.hpp>
#include <gloss/ops/mm.hpp>
#include <gloss/ops/normalize.hpp>
#include <gloss/ops/one_hot.hpp>
#include <gloss/ops/pad.hpp>
#include <gloss/ops/repeat.hpp>
#include <gloss/ops/tri.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace {

template <class T>
std::vector<Tensor<T>> abc(gloss_test::OpCase<T>& c) {
  return {c["a"], c["b"], c["c"]};
}
template <class T>
std::vector<Tensor<T>> grid(gloss_test::OpCase<T>& c) {
  return meshgrid(abc(c), c.integer("xy") != 0 ? Indexing::xy : Indexing::ij);
}
template <class C, class T>
Tensor<T> repeat_each(const C& c, const Tensor<T>& x) {
  if (c.has("each")) return repeat_interleave(x, from_vector(c.list("each")), c.integer("axis"));
  return c.has("axis") ? repeat_interleave(x, c.integer("times"), c.integer("axis"))
                       : repeat_interleave(x, c.integer("times"));
}
template <class C>
PadOptions pad_options(const C& c) {
  return {.mode = static_cast<PadMode>(c.integer("mode")), .value = c.real("value")};
}
template <class C>
AddmmOptions addmm_options(const C& c) {
  return {.beta = c.real("beta"), .alpha = c.real("alpha")};
}

}  // namespace

TEST_CASE("golden: turned, shifted and repeated copies are PyTorch's", "[ops]") {
  CHECK_GOLDEN_EVERY("flip", flip(x, c.shape("axes")));
  CHECK_GOLDEN_EVERY("roll", c.has("axes") ? roll(x, c.shape("shifts"), c.shape("axes")) : roll(x, 4));
  CHECK_GOLDEN_EVERY("rot90", rot90(x, c.integer("k"), c.shape("axes")));
  CHECK_GOLDEN_EVERY("repeat_times", repeat(x, c.shape("times")));
  CHECK_GOLDEN_EVERY("tile", tile(x, c.shape("times")));
  CHECK_GOLDEN_EVERY("repeat_interleave", repeat_each(c, x));
  CHECK_GOLDEN_EVERY("pad", pad(x, c.list("widths"), pad_options(c)));
}

TEST_CASE("golden: joins and grids are PyTorch's", "[ops]") {
  CHECK_GOLDEN("hstack", hstack(abc(c)));
  CHECK_GOLDEN("vstack", vstack(abc(c)));
  CHECK_GOLDEN("dstack", dstack(abc(c)));
  CHECK_GOLDEN("cat_nothing", cat(abc(c), 1));
  CHECK_GOLDEN("broadcast_tensors", broadcast_tensors(abc(c))[0]);
  CHECK_GOLDEN("meshgrid", grid(c).at(static_cast<std::size_t>(c.integer("piece"))));
}

TEST_CASE("golden: triangles, diagonals and one-hot rows are PyTorch's", "[ops]") {
  CHECK_GOLDEN_EVERY("triu", triu(x, c.integer("diagonal")));
  CHECK_GOLDEN_EVERY("tril", tril(x, c.integer("diagonal")));
  CHECK_GOLDEN_EVERY("diag_embed", diag_embed(x, c.integer("offset"), c.integer("axis0"), c.integer("axis1")));
  CHECK_GOLDEN_EVERY("diag", diag(x, c.integer("offset")));
  CHECK_GOLDEN_EVERY("trace", trace(x));
  for (Index i = 0; i < gloss_test::golden_cases("triu_indices"); ++i) {
    const gloss_test::OpCase<double> u("triu_indices", i), l("tril_indices", i);
    CHECK(gloss_test::same_bits(triu_indices(u.integer("rows"), u.integer("cols"), u.integer("offset")), u.ids("y")));
    CHECK(gloss_test::same_bits(tril_indices(l.integer("rows"), l.integer("cols"), l.integer("offset")), l.ids("y")));
  }
  CHECK(gloss_test::golden_cases("tril_indices") == gloss_test::golden_cases("triu_indices"));
  for (Index i = 0; i < gloss_test::golden_cases("one_hot"); ++i) {
    const gloss_test::OpCase<double> c("one_hot", i);
    CHECK(gloss_test::same_bits(one_hot(c.ids("x"), c.integer("classes")), c.ids("y")));
  }
}

TEST_CASE("golden: products of matrices and vectors, lengths and angles are PyTorch's", "[ops]") {
  CHECK_GOLDEN("mm", mm(c["input"], c["mat2"]));
  CHECK_GOLDEN("bmm", bmm(c["input"], c["mat2"]));
  CHECK_GOLDEN("mv", mv(c["input"], c["vec"]));
  CHECK_GOLDEN("dot", dot(c["input"], c["tensor"]));
  CHECK_GOLDEN("outer", outer(c["x"], c["vec2"]));
  CHECK_GOLDEN("addmm", addmm(c["x"], c["a"], c["b"], addmm_options(c)));
  CHECK_GOLDEN("baddbmm", baddbmm(c["x"], c["a"], c["b"], addmm_options(c)));
  CHECK_GOLDEN("kron", kron(c["input"], c["other"]));
  CHECK_GOLDEN("normalize", normalize(c["x"], c.integer("axis"), {.p = c.real("p")}));
  CHECK_GOLDEN("pairwise_distance",
               pairwise_distance(c["a"], c["b"], {.p = c.real("p"), .keepdim = c.integer("keepdim") != 0}));
  CHECK_GOLDEN("cosine_similarity", cosine_similarity(c["a"], c["b"], c.integer("axis")));
  CHECK_GOLDEN("cdist", cdist(c["a"], c["b"], c.real("p")));
  CHECK_GOLDEN("cross", cross(c["a"], c["b"], c.integer("axis")));
}
