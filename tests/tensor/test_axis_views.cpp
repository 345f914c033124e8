// The views of axis_views.hpp and pieces.hpp against PyTorch: tests/golden/generate_ops_indexing.py
#include <gloss/tensor/axis_views.hpp>
#include <gloss/tensor/pieces.hpp>
#include <gloss/tensor/tensor.hpp>

#include "support/golden_ops.hpp"
#include "support/gradients.hpp"

using namespace gloss;
using V = std::vector<Tensor<double>>;

namespace {

// The piece that the case asks for, when there are as many as it says.
template <class C, class T>
Tensor<T> piece(const C& c, const std::vector<Tensor<T>>& all) {
  CHECK(static_cast<Index>(all.size()) == c.integer("pieces"));
  return all.at(static_cast<std::size_t>(c.integer("piece")));
}

}  // namespace

TEST_CASE("golden: views that rename, split and pick axes are PyTorch's", "[tensor]") {
  CHECK_GOLDEN_EVERY("squeeze_axes", x.squeeze(c.shape("axes")));
  CHECK_GOLDEN_EVERY("t", x.t());
  CHECK_GOLDEN_EVERY("movedim", x.movedim(c.shape("source"), c.shape("destination")));
  CHECK_GOLDEN_EVERY("unflatten", x.unflatten(c.integer("axis"), c.shape("sizes")));
  CHECK_GOLDEN_EVERY("diagonal", x.diagonal(c.integer("offset"), c.integer("axis0"), c.integer("axis1")));
  CHECK_GOLDEN_EVERY("unfold", x.unfold(c.integer("axis"), c.integer("size"), c.integer("step")));
}

TEST_CASE("golden: pieces are PyTorch's", "[tensor]") {
  CHECK_GOLDEN_EVERY("unbind", piece(c, x.unbind(x.dim() == 2 && x.size(0) == 2 && x.size(1) == 3 ? 1 : -1)));
  CHECK_GOLDEN_EVERY("split", piece(c, c.has("size") ? x.split(c.integer("size"), c.integer("axis"))
                                                     : x.split(c.list("sizes"), c.integer("axis"))));
  CHECK_GOLDEN_EVERY("chunk", piece(c, x.chunk(c.integer("chunks"), c.integer("axis"))));
  CHECK_GOLDEN_EVERY("tensor_split",
                     piece(c, c.has("sections") ? x.tensor_split(c.integer("sections"), c.integer("axis"))
                                                : x.tensor_split(c.list("at"), c.integer("axis"))));
}

TEST_CASE("view: takes and refuses the shapes that PyTorch's takes and refuses, with its strides", "[tensor]") {
  REQUIRE(gloss_test::golden_cases("view_rules") == 1);
  const auto table = gloss_test::OpCase<double>("view_rules", 0).ids("y");
  REQUIRE(table.size(1) == 27);
  Index allowed = 0;
  for (Index i = 0; i < table.size(0); ++i) {
    const std::int64_t* row = table[i].data();
    const Shape shape(row + 1, row + 1 + row[0]), strides(row + 7, row + 7 + row[0]);
    const Shape target(row + 14, row + 14 + row[13]), expected(row + 21, row + 21 + row[13]);
    Index last = 0;
    for (int a = 0; a < shape.rank(); ++a) last += (std::max)(shape[a] - 1, Index{0}) * strides[a];
    const auto x = arange<std::int32_t>(static_cast<std::int32_t>(last + 1)).as_strided(shape, strides, 0);
    INFO("row " << i << ": " << to_string(shape) << " by " << to_string(strides) << " as " << to_string(target));
    bool is_view = true;
    try {
      const auto y = x.view(target);
      CHECK(y.data() == x.data());
      for (int a = 0; a < target.rank(); ++a)
        if (target[a] > 1) CHECK(y.strides()[a] == expected[a]);
    } catch (const ShapeError&) {
      is_view = false;
    }
    CHECK(is_view == (row[20] == 1));
    allowed += is_view;
    CHECK(gloss_test::same_bits(x.reshape(target), x.contiguous().view(target)));
  }
  CHECK(allowed > 100);
  CHECK(allowed < table.size(0) - 100);
}

TEST_CASE("views of axes share memory with their source") {
  const auto x = arange<float>(24).view({2, 3, 4});
  CHECK(x.movedim(0, 2).data() == x.data());
  CHECK(x.diagonal(1, 1, 2).data() == x.data() + 1);
  CHECK(x.unfold(2, 2, 1)[0][0][1].data() == x.data() + 1);
  CHECK(x.unflatten(-1, {2, 2}).data() == x.data());
  CHECK(x.split(2, -1)[1].data() == x.data() + 2);
  CHECK(x.split({1, 2}, 1)[1].data() == x.data() + 4);
  CHECK(x.split({3}, 1).size() == 1);
  CHECK(x.tensor_split({1}, 1).size() == 2);
  CHECK(x.tensor_split(1, 1).size() == 1);
  CHECK(x.unbind(1)[2].data() == x.data() + 8);
  CHECK(x.swapaxes(0, 1).shape() == Shape{3, 2, 4});
  CHECK(x[0].t().shape() == Shape{4, 3});
  CHECK(x.view_as(zeros<bool>({4, 6})).shape() == Shape{4, 6});
  CHECK(x.reshape_as(zeros<float>({24})).shape() == Shape{24});
  CHECK(x[0][0].expand_as(x).shape() == x.shape());
  CHECK(x[0][0].broadcast_to({5, 4}).data() == x.data());
  x.diagonal(0, 0, 1).fill_(-1);
  CHECK(x.at({1, 1, 3}) == -1);
}

TEST_CASE("views of axes: gradients and second derivatives agree with difference quotients") {
  Rng rng(3);
  RngGuard use(rng);
  auto x = randn<double>({2, 4, 3}).requires_grad_();
  const auto check = [&](auto f) { gloss_test::check_gradients([f](const V& v) { return f(v[0]); }, {x}); };
  check([](const auto& v) { return v.movedim({0, 1}, {-1, 0}); });
  check([](const auto& v) { return v.diagonal(-1, 1, 2); });
  check([](const auto& v) { return v.unfold(1, 3, 1); });
  check([](const auto& v) { return v.transpose(0, 1).unfold(0, 2, 2); });
  check([](const auto& v) { return v.unflatten(1, {2, -1}); });
  check([](const auto& v) { return v.split(3, 1)[1]; });
  check([](const auto& v) { return v.unbind(2)[1]; });
}

TEST_CASE("views of axes: what cannot be is refused by name") {
  const auto x = zeros<float>({2, 3});
  const auto one = zeros<float>({});
  CHECK_ERROR(x.squeeze({0, -2}), IndexError, "squeeze: axis 0 appears twice in [0, -2]");
  CHECK_ERROR(zeros<float>({1, 1, 1}).t(), ShapeError, "t: at most two axes are wanted, shape is [1, 1, 1]");
  CHECK_ERROR(x.movedim({0}, {0, 1}), ShapeError, "movedim: source [0] and destination [0, 1] differ in length");
  CHECK_ERROR(x.movedim({0, -2}, {0, 1}), IndexError, "movedim: axis 0 appears twice in source [0, -2]");
  CHECK_ERROR(x.movedim({0, 1}, {1, -1}), IndexError, "movedim: axis 1 appears twice in destination [1, -1]");
  CHECK_ERROR(x.movedim(0, 2), IndexError, "movedim: axis 2 is out of range for 2 axes");
  CHECK_ERROR(x.unflatten(1, {2, -1}), ShapeError, "unflatten: shape [3] has 3 elements, which do not fill [2, -1]");
  CHECK_ERROR(x.unflatten(1, {}), ShapeError, "unflatten: no sizes for axis 1 of shape [2, 3]");
  CHECK_ERROR(one.unflatten(0, {1}), ShapeError, "unflatten: a scalar has no axis to split");
  CHECK_ERROR(x.diagonal(0, 1, -1), IndexError, "diagonal: axis 1 is named twice");
  CHECK_ERROR(x[0].diagonal(0, 0, 0), ShapeError, "diagonal: two axes are needed, shape is [3]");
  CHECK_ERROR(x.unfold(1, 4, 1), ShapeError, "unfold: a window of 4 is longer than axis 1 of shape [2, 3]");
  CHECK_ERROR(x.unfold(1, -1, 1), IndexError, "unfold: size -1 is negative");
  CHECK_ERROR(x.unfold(1, 1, 0), IndexError, "unfold: step 0 is not positive");
  CHECK_ERROR(x.split(0), ShapeError, "split: size 0 does not split axis 0 of shape [2, 3]");
  CHECK_ERROR(x.split({1, 2}), ShapeError, "split: the sizes add up to 3, axis 0 of shape [2, 3]");
  CHECK_ERROR(x.split({3, -1}), ShapeError, "split: size -1 is negative");
  CHECK_ERROR(x.chunk(0), ShapeError, "chunk: 0 chunks wanted");
  CHECK_ERROR(x.tensor_split(0), ShapeError, "tensor_split: 0 sections wanted");
  CHECK_ERROR(one.split(1), ShapeError, "split: a scalar has no axis to split");
  CHECK_ERROR(one.chunk(1), ShapeError, "chunk: a scalar has no axis to split");
  CHECK_ERROR(one.tensor_split(1), ShapeError, "tensor_split: a scalar has no axis to split");
  CHECK_ERROR(one.unbind(), ShapeError, "unbind: a scalar has no axis to select from");
}
