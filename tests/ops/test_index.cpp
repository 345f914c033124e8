// Reading and writing by position, masks, searches and order: gradients, errors, edges, threads.
#include <gloss/ops/index.hpp>
#include <gloss/ops/index_select.hpp>
#include <gloss/ops/indexed.hpp>
#include <gloss/ops/masked_fill.hpp>
#include <gloss/ops/masked_select.hpp>
#include <gloss/ops/scatter_reduce.hpp>
#include <gloss/ops/searchsorted.hpp>
#include <gloss/ops/sort.hpp>
#include <gloss/ops/unique.hpp>

#include "support/gradients.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::Threads;
using V = std::vector<Tensor<double>>;
using Ids = Tensor<std::int64_t>;

TEST_CASE("writing by position: gradients and second derivatives agree with difference quotients") {
  Rng rng(6);
  RngGuard use(rng);
  const auto leaf = [](const Shape& s) { return randn<double>(s).requires_grad_(); };
  const Ids once = {{2, 0}, {1, 3}}, often = {{1, 1}, {1, 3}};
  using gloss_test::check_gradients;
  check_gradients([&](const V& v) { return gather(v[0], 1, often); }, {leaf({2, 4})});
  check_gradients([&](const V& v) { return scatter(v[0], 1, once, v[1]); }, {leaf({2, 4}), leaf({2, 2})});
  check_gradients([&](const V& v) { return scatter(v[0], 1, once, v[1].narrow(1, 1, 2)); },
                  {leaf({3, 4}), leaf({2, 3})});
  check_gradients([&](const V& v) { return scatter(v[0], 1, often, 2); }, {leaf({2, 4})});
  check_gradients([&](const V& v) { return scatter_add(v[0], 1, often, v[1]); }, {leaf({2, 4}), leaf({3, 2})});
  for (const ScatterReduce how : {ScatterReduce::sum, ScatterReduce::mean, ScatterReduce::amax, ScatterReduce::amin})
    for (const bool self : {true, false})
      check_gradients([&](const V& v) { return scatter_reduce(v[0], 1, often, v[1], how, {.include_self = self}); },
                      {leaf({2, 4}), leaf({3, 2})});
  check_gradients([](const V& v) { return index_select(v[0].t(), 0, {2, 0, 2}); }, {leaf({2, 3})});
  check_gradients([](const V& v) { return index_add(v[0], -1, {2, 0, 2}, v[1]); }, {leaf({2, 3}), leaf({2, 3})});
  check_gradients([](const V& v) { return index_copy(v[0], 0, {2, 0}, v[1]); }, {leaf({3, 2}), leaf({2, 2})});
  check_gradients([](const V& v) { return index_fill(v[0], 0, {-1}, 2); }, {leaf({3, 2})});
  check_gradients([](const V& v) { return take(v[0].t(), Ids{{0, -1}, {0, 3}}); }, {leaf({2, 3})});
  check_gradients([](const V& v) { return take_along_dim(v[0], Ids{0, -1}.unsqueeze(1), 1); }, {leaf({2, 3})});
  check_gradients([](const V& v) { return index(v[0], {Ids{0, 1}, {}, Ids{2, 0}.unsqueeze(1)}); }, {leaf({2, 2, 3})});
  check_gradients([](const V& v) { return index_put(v[0], {{}, Ids{2, 0}}, v[1]); }, {leaf({2, 3}), leaf({2})});
  check_gradients(
      [](const V& v) {
        return index_put(v[0], {Ids{1, 1, 0}}, v[1], {.accumulate = true});
      },
      {leaf({2, 3}), leaf({3, 1})});
}

TEST_CASE("masks and order: gradients and second derivatives agree with difference quotients") {
  Rng rng(7);
  RngGuard use(rng);
  const auto leaf = [](const Shape& s) { return randn<double>(s).requires_grad_(); };
  const Tensor<bool> mask = {{true, false, true}, {false, true, true}};
  using gloss_test::check_gradients;
  check_gradients([&](const V& v) { return masked_select(v[0], mask); }, {leaf({3})});
  check_gradients([&](const V& v) { return masked_scatter(v[0], mask, v[1]); }, {leaf({2, 3}), leaf({5})});
  check_gradients([&](const V& v) { return index(v[0], mask); }, {leaf({2, 3, 2})});
  check_gradients([&](const V& v) { return where(mask, v[0], v[1]); }, {leaf({3}), leaf({2, 1})});
  check_gradients([&](const V& v) { return masked_fill(v[0], mask, v[1]); }, {leaf({2, 3}), leaf({})});
  check_gradients([](const V& v) { return sort(v[0], 0, {.descending = true}).values; }, {leaf({4, 2})});
  check_gradients([](const V& v) { return topk(v[0], 2, 0, {.largest = false}).values; }, {leaf({4, 2})});
  check_gradients([](const V& v) { return kthvalue(v[0], 2).values; }, {leaf({2, 4})});
}

TEST_CASE("scattered additions: the bits of a plain loop, for any number of threads and any layout") {
  Rng rng(8);
  RngGuard use(rng);
  const Index n = 3000, d = 40, rows = 37;
  const auto source = randn<float>({n, d});
  const auto ids = randint(0, rows, {n});
  auto expected = zeros<float>({rows, d});
  for (Index i = 0; i < n; ++i)
    for (Index c = 0; c < d; ++c) expected.at({ids.at({i}), c}) += source.at({i, c});
  const auto beside = ids.unsqueeze(1).expand({n, d});
  const auto zero = zeros<float>({rows, d});
  for (const int threads : {1, 2, 3, 4}) {
    const Threads use_threads(threads);
    CHECK(gloss_test::same_bits(index_add(zero, 0, ids, source), expected));
    CHECK(gloss_test::same_bits(index_add(zero.t(), 1, ids, source.t()).t(), expected));
    CHECK(gloss_test::same_bits(scatter_add(zero, 0, beside, source), expected));
    CHECK(gloss_test::same_bits(scatter_add(zero, 0, beside.contiguous(), source), expected));
    CHECK(gloss_test::same_bits(scatter_add(zero.t(), 1, beside.contiguous().t(), source.t().contiguous()).t(),
                                expected));
  }
  const auto picked = index_select(expected, 0, ids);
  bool same = true;
  for (Index i = 0; i < n; ++i)
    for (Index c = 0; c < d; ++c) same = same && picked.at({i, c}) == expected.at({ids.at({i}), c});
  CHECK(same);
}

TEST_CASE("sort, topk and kthvalue: positions lead to the values, equal ones stay in order") {
  const auto x = randint(0, 20, {7, 300});
  for (bool descending : {false, true}) {
    const auto sorted = sort(x, 1, {.descending = descending});
    bool ordered = true;
    for (Index r = 0; r < 7; ++r)
      for (Index i = 0; i + 1 < 300; ++i) {
        const auto a = sorted.values.at({r, i}), b = sorted.values.at({r, i + 1});
        ordered = ordered && (descending ? a >= b : a <= b) &&
                  (a != b || sorted.indices.at({r, i}) < sorted.indices.at({r, i + 1}));
      }
    CHECK(ordered);
    CHECK(gloss_test::same_bits(gather(x, 1, sorted.indices), sorted.values));
    CHECK(gloss_test::same_bits(argsort(x, 1, {.descending = descending}), sorted.indices));
    const auto best = topk(x, 9, 1, {.largest = descending});
    CHECK(gloss_test::same_bits(best.indices, sorted.indices.narrow(1, 0, 9)));
  }
  const auto third = kthvalue(x, 3, 1, {.keepdim = true});
  CHECK(gloss_test::same_bits(gather(x, 1, third.indices), third.values));
}

TEST_CASE("where, nonzero, isin and friends: the forms without a golden") {
  const Tensor<bool> mask = {{true, false}, {false, true}};
  const auto axes = where(mask);
  REQUIRE(axes.size() == 2);
  CHECK(gloss_test::values(axes[0]) == std::vector<std::int64_t>{0, 1});
  CHECK(gloss_test::values(index(mask, axes)) == std::vector<bool>{true, true});
  CHECK(where(scalar<float>(3)).size() == 1);
  CHECK(gloss_test::values(where<float>(mask, 1, 0.5)) == std::vector<float>{1, 0.5f, 0.5f, 1});
  CHECK(gloss_test::values(where(mask, Ids{7}, 2)) == std::vector<std::int64_t>{7, 2, 2, 7});
  CHECK(gloss_test::values(masked_fill(Ids{{1, 2}, {3, 4}}, mask, 9)) == std::vector<std::int64_t>{9, 2, 3, 9});
  CHECK(gloss_test::values(bucketize(Ids{1, 3, 5}, Ids{1, 3})) == std::vector<std::int64_t>{0, 1, 2});
  CHECK(gloss_test::values(bucketize(Ids{1, 3, 5}, Ids{1, 3}, {.right = true})) == std::vector<std::int64_t>{1, 2, 2});
}

TEST_CASE("writing by position: of several sources for one place the last wins, whatever the layout") {
  const Ids ids = {1, 1, 1};
  CHECK(index_copy(zeros<float>({2}), 0, ids, Tensor<float>{5, 6, 7}).at({1}) == 7);
  CHECK(index_put(zeros<float>({2}), {ids}, Tensor<float>{5, 6, 7}).at({1}) == 7);
  const auto rows = index_copy(zeros<float>({2, 2}), 0, ids, Tensor<float>{{1, 2}, {3, 4}, {5, 6}});
  CHECK(gloss_test::values(rows[1]) == std::vector<float>{5, 6});
}

TEST_CASE("writing by position: a refused call changes nothing, and what cannot be is refused by name") {
  const auto x = zeros<float>({2, 3});
  const Ids far = {{0, 3}}, row = {{0, 1}};
  CHECK_ERROR(scatter(x, 1, far, 1), IndexError, "scatter: index 3 is out of range for axis 1 of shape [2, 3]");
  CHECK_ERROR(scatter_add(x, 1, far, x), IndexError, "scatter_add: index 3 is out of range for axis 1 of shape [2, 3]");
  CHECK_ERROR(scatter(x, 1, Ids{-1}.unsqueeze(0), 1), IndexError,
              "scatter: index -1 is out of range for axis 1 of shape [2, 3]");
  CHECK_ERROR(gather(x, 0, Ids{-1}.unsqueeze(0)), IndexError,
              "gather: index -1 is out of range for axis 0 of shape [2, 3]");
  CHECK_ERROR(scatter(x, 1, row, zeros<float>({1, 1})), ShapeError,
              "scatter: index [1, 2] does not lie within source [1, 1]");
  CHECK_ERROR(scatter_add(x, 1, row, zeros<float>({2})), ShapeError,
              "scatter_add: index [1, 2] does not lie within source [2]");
  CHECK_ERROR(scatter(x, 1, zeros<std::int64_t>({3, 1}), 1), ShapeError,
              "scatter: index [3, 1] is larger than x [2, 3] at axis 0");
  CHECK_ERROR(scatter_reduce(x, 1, far, x, ScatterReduce::amax), IndexError,
              "scatter_reduce: index 3 is out of range for axis 1 of shape [2, 3]");
  CHECK_ERROR(scatter_reduce(x, 1, row, zeros<float>({2}), ScatterReduce::mean), ShapeError,
              "scatter_reduce: index [1, 2] does not lie within source [2]");
  CHECK_ERROR(take(x, {6}), IndexError, "take: index 6 is out of range for axis 0 of shape [6]");
  CHECK_ERROR(take(zeros<float>({0}), {0}), IndexError, "take: index 0 is out of range for axis 0 of shape [0]");
  CHECK_ERROR(take_along_dim(x, {0}, 1), ShapeError, "take_along_dim: index [1] has not as many axes as x [2, 3]");
  CHECK_ERROR(take_along_dim(x, Ids{-4}.unsqueeze(0), 1), IndexError,
              "take_along_dim: index -4 is out of range for axis 1 of shape [2, 3]");
  CHECK_ERROR(take_along_dim(x, zeros<std::int64_t>({3, 1}), 1), ShapeError,
              "take_along_dim: shapes do not broadcast: a [2, 1], b [3, 1] differ at axis -2");
  CHECK_ERROR(index_select(x, 0, {-1}), IndexError,
              "index_select: index -1 is out of range for axis 0 of shape [2, 3]");
  CHECK_ERROR(index_select(x[0][0], 0, {0, 0}), ShapeError,
              "index_select: a scalar has one position, index has shape [2]");
  CHECK_ERROR(index_copy(x, 0, {2}, zeros<float>({1, 3})), IndexError,
              "index_copy: index 2 is out of range for axis 0 of shape [2, 3]");
  CHECK_ERROR(index_copy(x, 0, {1}, x), ShapeError, "index_copy: source [2, 3] does not fit x [2, 3] and index [1]");
  CHECK_ERROR(index_fill(x, 0, {-3}, 1), IndexError, "index_fill: index -3 is out of range for axis 0 of shape [2, 3]");
  CHECK_ERROR(index_fill(x, 0, row, 1), ShapeError, "index_fill: index has shape [1, 2], a vector is wanted");
  CHECK_ERROR(index(x, {Ids{0}, Ids{1}, Ids{2}}), IndexError, "index: 3 indices for x [2, 3]");
  CHECK_ERROR(index(x, IndexList{{}}), IndexError, "index: no index for x [2, 3]");
  CHECK_ERROR(index(x, {{}, Ids{0, -4}}), IndexError, "index: index -4 is out of range for axis 1 of shape [2, 3]");
  CHECK_ERROR(index(x, {Ids{0, 1}, Ids{0, 1, 2}}), ShapeError,
              "index: shapes do not broadcast: a [2], b [3] differ at axis -1");
  CHECK_ERROR(index(x, Tensor<bool>{true}), IndexError, "index: mask [1] does not match the leading axes of x [2, 3]");
  CHECK_ERROR(index(x, scalar<bool>(true)), IndexError, "index: mask [] does not match the leading axes of x [2, 3]");
  CHECK_ERROR(index_put(x, {Ids{0}}, zeros<float>({2})), ShapeError,
              "index_put: shapes do not broadcast: a [2], b [1, 3] differ at axis -1");
  CHECK_ERROR(index_put(x, {Ids{0}}, zeros<float>({2, 1, 3})), ShapeError,
              "index_put: values [2, 1, 3] do not broadcast to [1, 3]");
  CHECK(gloss_test::same_bits(x, zeros<float>({2, 3})));
}

TEST_CASE("masks, searches and order: what cannot be is refused by name") {
  const auto x = zeros<float>({2, 3});
  const Tensor<bool> two = {true, false};
  CHECK_ERROR(masked_select(x, two), ShapeError,
              "masked_select: shapes do not broadcast: a [2, 3], b [2] differ at axis -1");
  CHECK_ERROR(masked_scatter(x[0], two.unsqueeze(1), x), ShapeError,
              "masked_scatter: mask [2, 1] does not broadcast to x [3]");
  CHECK_ERROR(masked_scatter(x, ones<bool>({2, 3}), x[0]), ShapeError,
              "masked_scatter: source has 3 elements, the mask takes 6");
  CHECK_ERROR(masked_fill(x, two.unsqueeze(1), x), ShapeError,
              "masked_fill: value has shape [2, 3], a scalar is wanted");
  CHECK_ERROR(searchsorted(x, zeros<float>({3, 1})), ShapeError,
              "searchsorted: leading axes of sequence [2, 3] and values [3, 1] differ");
  CHECK_ERROR(bucketize(x, x), ShapeError, "bucketize: boundaries have shape [2, 3], a vector is wanted");
  CHECK_ERROR(bincount({1, -2}), IndexError, "bincount: id -2 is negative");
  CHECK_ERROR(bincount(zeros<std::int64_t>({1, 1})), ShapeError, "bincount: ids have shape [1, 1], a vector is wanted");
  CHECK_ERROR(bincount({1, 2}, x), ShapeError, "bincount: weights [2, 3] and ids [2] differ");
  CHECK_ERROR(bincount({1}, -1), ShapeError, "bincount: minlength -1 is negative");
  CHECK_ERROR(topk(x, 4), IndexError, "topk: k 4 is out of range for shape [2, 3]");
  CHECK_ERROR(topk(x, 3, 0), IndexError, "topk: k 3 is out of range for shape [2, 3]");
  CHECK_ERROR(kthvalue(x, 0), IndexError, "kthvalue: k 0 is out of range for axis 1 of shape [2, 3]");
  CHECK_ERROR(sort(x, 2), IndexError, "sort: axis 2 is out of range for 2 axes");
}
