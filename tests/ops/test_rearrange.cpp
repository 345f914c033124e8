// Copies in another order, joins, borders, triangles, diagonals, products: gradients, errors, edges.
#include <gloss/kernels/distance.hpp>
#include <gloss/ops/cast.hpp>
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

#include "support/gradients.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using V = std::vector<Tensor<double>>;

TEST_CASE("rearranged copies: gradients and second derivatives agree with difference quotients") {
  Rng rng(4);
  RngGuard use(rng);
  const auto x = randn<double>({2, 3}).requires_grad_();
  const auto check = [&](auto f) { gloss_test::check_gradients([f](const V& v) { return f(v[0]); }, {x}); };
  check([](const auto& v) { return flip(v.t(), {0}); });
  check([](const auto& v) { return roll(v, {1, -1}, {0, 1}); });
  check([](const auto& v) { return rot90(v, 3); });
  check([](const auto& v) { return repeat(v, {2, 1, 3}); });
  check([](const auto& v) { return repeat_interleave(v, {2, 0, 1}, 1); });
  check([](const auto& v) { return triu(v, 1) + tril(v, -1); });
  check([](const auto& v) { return diag_embed(v, -1) + diag_embed(v, 1); });
  check([](const auto& v) { return diag(v, 1); });
  check([](const auto& v) { return pad(v, {1, -1, 0, 1}, {.value = 3}); });
  check([](const auto& v) { return pad(v, {2, 1}, {.mode = PadMode::reflect}); });
  check([](const auto& v) { return vstack<double>({v, v[0]}); });
}

TEST_CASE("products: gradients and second derivatives agree with difference quotients") {
  Rng rng(5);
  RngGuard use(rng);
  const auto leaf = [](const Shape& s) { return randn<double>(s).requires_grad_(); };
  gloss_test::check_gradients([](const V& v) { return addmm(v[0], v[1], v[2], {.beta = 0.5, .alpha = 2}); },
                              {leaf({2}), leaf({2, 3}), leaf({3, 2})});
  gloss_test::check_gradients([](const V& v) { return outer(v[0], v[1]); }, {leaf({2}), leaf({3})});
  gloss_test::check_gradients([](const V& v) { return kron(v[0], v[1]); }, {leaf({2, 1}), leaf({2})});
  gloss_test::check_gradients([](const V& v) { return cross(v[0], v[1], 0); }, {leaf({3, 2}), leaf({3, 1})});
}

TEST_CASE("rearranged copies: the result is a copy, even where nothing moves") {
  const auto x = zeros<float>({1, 2});
  for (const auto& y : {flip(x, {}), roll(x, {0}, {0}), rot90(x, 4), repeat(x, {1, 1}), repeat_interleave(x, 1, 0),
                        pad(x, {}), pad(x, {0, 0}, {.mode = PadMode::replicate}), triu(x), diag(x)})
    CHECK(y.storage() != x.storage());
  const auto one = zeros<float>({1});
  CHECK(repeat(one, {3}).is_contiguous());
  CHECK(repeat_interleave(one, 3, 0).storage() != one.storage());
}

TEST_CASE("rearranged copies, joins and products: integers and flags take part") {
  const Tensor<std::int64_t> a = {1, 2}, b = {3, 4, 5};
  CHECK(gloss_test::values(outer(a, b)) == std::vector<std::int64_t>{3, 4, 5, 6, 8, 10});
  CHECK(gloss_test::values(kron(a, a)) == std::vector<std::int64_t>{1, 2, 2, 4});
  CHECK(gloss_test::values(cross(b, Tensor<std::int64_t>{0, 0, 1})) == std::vector<std::int64_t>{4, -3, 0});
  const auto m = arange<std::int64_t>(24).view({2, 3, 4});
  const auto product = matmul(m, m[1].t());  // wide enough for doubles to check
  CHECK(gloss_test::difference(product, matmul(cast<double>(m), cast<double>(m[1]).t())) == 0);
  CHECK(mv(m[0], m[0][1]).at({1}) == 126);
  CHECK(dot(a, a).item() == 5);
  CHECK(mm(full<std::uint8_t>({1, 1}, 200), full<std::uint8_t>({1, 1}, 2)).item() == 144);  // wraps around
  CHECK(matmul(zeros<std::int64_t>({2, 0}), zeros<std::int64_t>({0, 3})).shape() == Shape{2, 3});
  CHECK(gloss_test::values(hstack<std::int64_t>({a, b})) == std::vector<std::int64_t>{1, 2, 3, 4, 5});
  CHECK(meshgrid<bool>({Tensor<bool>{true, false}, Tensor<bool>{true}})[0].shape() == Shape{2, 1});
  CHECK(atleast_3d(a).shape() == Shape{1, 2, 1});
  CHECK(gloss_test::values(fliplr(a.unsqueeze(0))) == std::vector<std::int64_t>{2, 1});
  CHECK(gloss_test::values(flipud(a)) == std::vector<std::int64_t>{2, 1});
}

TEST_CASE("cdist: gradients agree with difference quotients, for every kind of p") {
  Rng rng(10);
  RngGuard use(rng);
  const V x = {randn<double>({3, 5}).requires_grad_(), randn<double>({2, 2, 5}).requires_grad_()};
  for (const double p : {2.0, 1.0, 3.0, 0.5, static_cast<double>(INFINITY)})
    CHECK(gradcheck([p](const V& v) { return cdist(v[0], v[1], p); }, x));
  const auto y = cdist(x[0], x[0]);
  CHECK_ERROR(grad(sum(y), {x[0]}, {.create_graph = true}), GradError, "cdist: a fused op has no second derivative");
  CHECK(gloss_test::difference(cdist(x[0].slice(0, 0, 3, 2), x[1][0].t().contiguous().t()),
                               cdist(x[0], x[1])[0].slice(0, 0, 3, 2)) == 0);
}

TEST_CASE("lengths and angles: gradients and second derivatives agree with difference quotients") {
  Rng rng(11);
  RngGuard use(rng);
  const V x = {randn<double>({2, 3}).requires_grad_(), randn<double>({3}).requires_grad_()};
  gloss_test::check_gradients([](const V& v) { return normalize(v[0] + v[1], 0); }, x);
  gloss_test::check_gradients([](const V& v) { return pairwise_distance(v[0], v[1]); }, x);
  gloss_test::check_gradients([](const V& v) { return cosine_similarity(v[0], v[1]); }, x);
}

TEST_CASE("lengths and angles: edges and errors") {
  const auto x = zeros<float>({2, 3});
  CHECK(gloss_test::same_bits(normalize(x), x));
  CHECK(cosine_similarity(x, x).at({1}) == 0);
  CHECK_ERROR(normalize(x, 2), IndexError, "normalize: axis 2 is out of range for 2 axes");
  CHECK_ERROR(pairwise_distance(x, zeros<float>({2})), ShapeError,
              "pairwise_distance: shapes do not broadcast: a [2, 3], b [2] differ at axis -1");
  CHECK_ERROR(cosine_similarity(x, x, -3), IndexError, "cosine_similarity: axis -3 is out of range for 2 axes");
  CHECK_ERROR(cosine_similarity(x, zeros<float>({2})), ShapeError,
              "cosine_similarity: shapes do not broadcast: a [2, 3], b [2] differ at axis -1");
}

TEST_CASE("cdist: keeps the digits of close rows, and NaN spreads") {
  const Tensor<float> a = {{10000, 10000}}, b = {{10000, 10001}};
  CHECK(cdist(a, b).item() == 1);
  for (const double p : {0.5, 1.0, 2.0, 3.0, static_cast<double>(INFINITY)})
    CHECK(std::isnan(cdist(a, Tensor<float>{{NAN, 0}}, p).item()));
  CHECK(cdist(zeros<float>({0, 2, 3}), zeros<float>({4, 3})).shape() == Shape{0, 2, 4});
  CHECK_ERROR(cdist(a, zeros<float>({1, 3})), ShapeError,
              "cdist: two matrices with rows of one length are wanted: a [1, 2], b [1, 3]");
  CHECK_ERROR(cdist(a[0], b), ShapeError, "cdist: two matrices with rows of one length are wanted: a [2], b [1, 2]");
  CHECK_ERROR(cdist(a, b, -1), Error, "cdist: p -1 is negative");
}

TEST_CASE("addmm: beta 0 leaves the sum out, NaN and all") {
  const auto y = addmm(full<float>({1, 1}, NAN), ones<float>({1, 2}), ones<float>({2, 1}), {.beta = 0});
  CHECK(y.item() == 2);
}

TEST_CASE("rearranged copies: what cannot be is refused by name") {
  const auto x = zeros<float>({2, 3});
  const auto one = zeros<float>({});
  CHECK_ERROR(flip(x, {0, -2}), IndexError, "flip: axis 0 appears twice in [0, -2]");
  CHECK_ERROR(fliplr(x[0]), ShapeError, "fliplr: two axes are needed, shape is [3]");
  CHECK_ERROR(flipud(one), ShapeError, "flipud: an axis is needed, shape is []");
  CHECK_ERROR(roll(x, {1}, {0, 1}), ShapeError, "roll: shifts [1] and axes [0, 1] differ in length");
  CHECK_ERROR(roll(x, {1}, {2}), IndexError, "roll: axis 2 is out of range for 2 axes");
  CHECK_ERROR(rot90(x, 1, {0}), ShapeError, "rot90: two axes are wanted, got [0]");
  CHECK_ERROR(rot90(x, 1, {1, -1}), ShapeError, "rot90: two axes of shape [2, 3] are wanted, got [1, -1]");
  CHECK_ERROR(repeat(x, {2}), ShapeError, "repeat: [2] has fewer entries than shape [2, 3]");
  CHECK_ERROR(repeat(x, {2, -1}), ShapeError, "repeat: negative entry in [2, -1]");
  CHECK_ERROR(repeat_interleave(x, -1, 0), ShapeError, "repeat_interleave: -1 times wanted");
  CHECK_ERROR(repeat_interleave(x, Tensor<std::int64_t>{1, 1, 1}, 0), ShapeError,
              "repeat_interleave: times [3] do not fit axis 0 of shape [2, 3]");
  CHECK_ERROR(repeat_interleave(x, Tensor<std::int64_t>{1, -1}, 0), ShapeError, "repeat_interleave: -1 times wanted");
  CHECK_ERROR(meshgrid<float>({x}), ShapeError, "meshgrid: tensor 0 has shape [2, 3], a vector is wanted");
  CHECK_ERROR(meshgrid<float>({}), Error, "meshgrid: no tensors");
  CHECK_ERROR(broadcast_tensors<float>({x, zeros<float>({2})}), ShapeError,
              "broadcast_tensors: shapes do not broadcast: a [2, 3], b [2] differ at axis -1");
  CHECK_ERROR(hstack<float>({}), Error, "cat: no tensors to join");
  CHECK_ERROR(triu(x[0]), ShapeError, "triu: two axes are needed, shape is [3]");
  CHECK_ERROR(tril(x[0]), ShapeError, "tril: two axes are needed, shape is [3]");
  CHECK_ERROR(triu_indices(-1, 2), ShapeError, "triu_indices: negative size in [-1, 2]");
  CHECK_ERROR(pad(x, {1}), ShapeError, "pad: 1 widths [1] are no pairs for the axes of shape [2, 3]");
  CHECK_ERROR(pad(x[0], {1, 1, 1, 1}), ShapeError, "pad: 4 widths [1, 1, 1, 1] are no pairs for the axes of shape [3]");
  CHECK_ERROR(pad(x, {-2, -2}), ShapeError, "pad: widths [-2, -2] leave nothing of axis 1 of shape [2, 3]");
  CHECK_ERROR(pad(x, {3, 0}, {.mode = PadMode::reflect}), ShapeError,
              "pad: axis 1 of shape [2, 3] is too short for a border of 3");
  CHECK_ERROR(pad(x, {4, 0}, {.mode = PadMode::circular}), ShapeError,
              "pad: axis 1 of shape [2, 3] is too short for a border of 4");
  CHECK_ERROR(one_hot({0, 3}, 3), IndexError, "one_hot: id 3 is out of range for 3 classes");
  CHECK_ERROR(one_hot({0, -1}), IndexError, "one_hot: id -1 is out of range for 1 classes");
  CHECK_ERROR(one_hot(zeros<std::int64_t>({0})), ShapeError, "one_hot: no ids and no number of classes");
  CHECK_ERROR(diag_embed(one), ShapeError, "diag_embed: a scalar has no axis for a diagonal");
  CHECK_ERROR(diag_embed(x, 0, 1, -2), IndexError, "diag_embed: axis 1 is named twice");
  CHECK_ERROR(diag(one), ShapeError, "diag: a vector or matrix is wanted, shape is []");
  CHECK_ERROR(trace(x[0]), ShapeError, "trace: a matrix is wanted, shape is [3]");
}

TEST_CASE("products: shapes that do not fit are named") {
  const auto x = zeros<float>({2, 3});
  CHECK_ERROR(mm(x, x), ShapeError, "mm: inner dimensions differ: a [2, 3], b [2, 3]");
  CHECK_ERROR(mm(x, x[0]), ShapeError, "mm: 2 and 2 axes are wanted: a [2, 3], b [3]");
  CHECK_ERROR(bmm(zeros<float>({2, 1, 3}), zeros<float>({1, 3, 2})), ShapeError,
              "bmm: batches differ: a [2, 1, 3], b [1, 3, 2]");
  CHECK_ERROR(mv(x, zeros<float>({2})), ShapeError, "mv: inner dimensions differ: a [2, 3], b [2]");
  CHECK_ERROR(dot(x[0], zeros<float>({2})), ShapeError, "dot: inner dimensions differ: a [3], b [2]");
  CHECK_ERROR(outer(x, x), ShapeError, "outer: vectors are wanted: a [2, 3], b [2, 3]");
  CHECK_ERROR(addmm(zeros<float>({3}), x, x.t()), ShapeError,
              "addmm: shapes do not broadcast: a [3], b [2, 2] differ at axis -1");
  CHECK_ERROR(addmm(zeros<float>({1, 2, 2}), x, x.t()), ShapeError, "addmm: x [1, 2, 2] does not broadcast to [2, 2]");
  CHECK_ERROR(baddbmm(zeros<float>({2, 2, 2}), x.unsqueeze(0), x.t().unsqueeze(0)), ShapeError,
              "baddbmm: x [2, 2, 2] does not broadcast to [1, 2, 2]");
  CHECK_ERROR(cross(x, x, 0), ShapeError, "cross: axis 0 has not size 3 in both: a [2, 3], b [2, 3]");
  CHECK_ERROR(kron(zeros<float>({1, 1, 1, 1, 1}), x), ShapeError,
              "kron: more than 4 axes: a [1, 1, 1, 1, 1], b [2, 3]");
}

TEST_CASE("pad: circular goes round what cropping leaves") {
  const auto x = arange<double>(4);
  const auto row = [&](std::vector<Index> widths) {
    return gloss_test::values(pad(x, widths, {.mode = PadMode::circular}));
  };
  using Row = std::vector<double>;
  CHECK(row({-1, 1}) == Row{1, 2, 3, 1});
  CHECK(row({-1, 3}) == Row{1, 2, 3, 1, 2, 3});
  CHECK(row({1, -1}) == Row{2, 0, 1, 2});
  CHECK(row({2, -2}) == Row{0, 1, 0, 1});
  CHECK(row({-1, -1}) == Row{1, 2});
  CHECK(row({-2, -2}) == Row{});
  CHECK(row({4, 4}) == Row{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3});
  CHECK_ERROR(row({-1, 4}), ShapeError, "pad: axis 0 of shape [4] is too short for a border of 4");
  CHECK_ERROR(row({1, -4}), ShapeError, "pad: axis 0 of shape [4] is too short for a border of 1");
}

TEST_CASE("roll, repeat_interleave: with one number for all, and with none") {
  const Tensor<double> x = {{1, 2}, {3, 4}};
  CHECK(gloss_test::values(roll(x, Shape{1}, Shape{})) == std::vector<double>{4, 1, 2, 3});
  CHECK_ERROR(roll(x, Shape{}, Shape{}), ShapeError, "roll: no shifts");
  CHECK_ERROR(roll(x, Shape{1, 2}, Shape{}), ShapeError, "roll: shifts [1, 2] and axes [] differ in length");
  for (const auto& times : {Tensor<std::int64_t>{2}, scalar<std::int64_t>(2)})
    CHECK(gloss_test::values(repeat_interleave(x, times, 0)) == std::vector<double>{1, 2, 1, 2, 3, 4, 3, 4});
  CHECK_ERROR(cosine_similarity(x, x, 1, -1), Error, "cosine_similarity: eps -1 is negative");
}
