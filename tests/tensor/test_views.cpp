#include <gloss/gloss.hpp>
#include <gloss/tensor/tensor_class.hpp>
#include <gloss/tensor/views.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using V = std::vector<Tensor<double>>;

TEST_CASE("views: share memory and read what PyTorch's would") {
  const auto x = arange<float>(24).view({2, 3, 4});
  CHECK(x.transpose(0, 2).at({3, 1, 0}) == 7);
  CHECK(x.permute({2, 0, 1}).at({3, 1, 2}) == 23);
  CHECK(x.select(1, -1).at({1, 2}) == 22);
  CHECK(x.slice(2, 1, -1).shape() == Shape{2, 3, 2});
  CHECK(x.slice(2, -3, 100, 2).at({0, 0, 1}) == 3);
  CHECK(x.narrow(1, 1, 2).at({0, 0, 0}) == 4);
  CHECK(x.unsqueeze(-1).shape() == Shape{2, 3, 4, 1});
  CHECK(x.unsqueeze(0).squeeze(0).shape() == x.shape());
  CHECK(x.flatten(1).shape() == Shape{2, 12});
  CHECK(x.transpose(1, 2).reshape({8, 3}).at({1, 2}) == 9);
  CHECK(x.transpose(0, 1).flatten(0, 1).at({1, 0}) == 12);
  CHECK(x.view({6, -1}).data() == x.data());
  CHECK(x[1][2].at({3}) == 23);
  CHECK(x.select(0, 0).unsqueeze(0).expand({5, -1, 4}).at({4, 2, 3}) == 11);
}

TEST_CASE("view: works on every stride pattern that PyTorch accepts, against a copy") {
  Rng rng(2);
  for (int round = 0; round < 500; ++round) {
    Shape s;
    for (int i = 0; i < 4; ++i) s.push_back(1 + Index{rng.below(4)});
    auto x = arange<double>(static_cast<double>(s.numel())).view(s);
    if (rng.below(2)) x = x.transpose(rng.below(4), rng.below(4));
    if (rng.below(2)) x = x.slice(rng.below(4), 0, INT64_MAX, 2);
    const auto whole = x.contiguous();
    const Shape target = {x.size(0) * x.size(1), x.size(2), x.size(3)};
    const auto expected = whole.view(target);
    CHECK(gloss_test::difference(x.reshape(target), expected) == 0);
    CHECK(gloss_test::difference(x.reshape({-1}), whole.view({-1})) == 0);
  }
}

TEST_CASE("views: gradients flow through each") {
  Rng rng(1);
  RngGuard use(rng);
  auto x = randn<double>({2, 3, 4}).requires_grad_();
  auto check = [&](auto f) { CHECK(gradcheck([f](const V& v) { return f(v[0]); }, {x})); };
  check([](const auto& v) { return v.transpose(0, 2); });
  check([](const auto& v) { return v.permute({1, 2, 0}).reshape({6, 4}); });
  check([](const auto& v) { return v.view({6, 4}); });
  check([](const auto& v) { return v.slice(2, 1, 4, 2); });
  check([](const auto& v) { return v.select(1, 2); });
  check([](const auto& v) { return v.unsqueeze(1).expand({2, 5, 3, 4}); });
  check([](const auto& v) { return v.transpose(1, 2).clone().flatten(); });
}

TEST_CASE("views: what cannot be read is refused by name") {
  const auto x = zeros<float>({2, 3});
  CHECK_ERROR(x.view({4, 2}), ShapeError, "view: shape [2, 3] has 6 elements, which do not fill [4, 2]");
  CHECK_ERROR(x.view({-1, -1}), ShapeError, "view: only one size may be -1, got [-1, -1]");
  CHECK_ERROR(x.transpose(0, 1).view({6}), ShapeError,
              "view: shape [3, 2] with strides [1, 3] cannot be read as [6]; use reshape");
  CHECK_ERROR(x.select(0, 2), IndexError, "select: index 2 is out of range for axis 0 of shape [2, 3]");
  CHECK_ERROR(x.permute({0, 0}), ShapeError, "permute: axis 0 appears twice in [0, 0]");
  CHECK_ERROR(x.expand({3, 3}), ShapeError, "expand: shape [2, 3] does not stretch to [3, 3]");
  CHECK_ERROR(x.narrow(1, 2, 2), IndexError, "narrow: 2 positions from 2 leave axis 1 of shape [2, 3]");
  CHECK_ERROR(x.item(), ShapeError, "item: one element wanted, shape is [2, 3]");
  CHECK_ERROR((Tensor<float>{{1, 2}, {3}}), ShapeError, "tensor: rows differ in length: 2 and 1");
  CHECK_ERROR(Tensor<float>().shape(), Error, "shape: the tensor is undefined");
}

TEST_CASE("views: empty tensors keep their shapes") {
  const auto x = zeros<float>({2, 0, 3});
  CHECK(x.transpose(0, 1).shape() == Shape{0, 2, 3});
  CHECK(x.reshape({0, 5}).shape() == Shape{0, 5});
  CHECK(x.slice(0, 1, 1).shape() == Shape{0, 0, 3});
  CHECK(x.contiguous().numel() == 0);
}
