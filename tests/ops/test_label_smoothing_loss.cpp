#include <gloss/ops/label_smoothing_loss.hpp>

#include <gloss/gloss.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using Ids = Tensor<std::int64_t>;

TEST_CASE("label_smoothing_loss: equals kl_div against the smoothed matrix, by hand for one row") {
  const auto x = log_softmax(Tensor<double>{{1, 2, 3, 4}, {4, 3, 2, 1}}, -1);
  const Tensor<double> t = {{0, 0.2, 0.6, 0.2}, {0, 0.6, 0.2, 0.2}};
  CHECK(label_smoothing_loss(x, Ids{2, 1}, 0, 0.4).item() ==
        Approx(kl_div(x, t, LossReduction::sum).item()).epsilon(1e-14));
  const auto first = x.narrow(0, 0, 1);
  CHECK(label_smoothing_loss(x, Ids{2, 0}, 0, 0.4).item() ==
        Approx(label_smoothing_loss(first, Ids{2}, 0, 0.4).item()).epsilon(1e-14));
}

TEST_CASE("label_smoothing_loss: is what train::LabelSmoothing says, for strided rows too") {
  const auto x = log_softmax(randn<double>({5, 3, 4}), 0).transpose(0, 2).requires_grad_();
  const Ids target = randint(0, 5, {4, 3});
  const auto loss = label_smoothing_loss(x, target, 2, 0.1),
             by_class = train::LabelSmoothing<double>(5, 2, 0.1)(x, target);
  CHECK(same_bits(loss, by_class));
  CHECK(same_bits(grad(loss, {x})[0], grad(by_class, {x})[0]));
}

TEST_CASE("label_smoothing_loss: wrong arguments") {
  const auto x = zeros<float>({2, 5});
  CHECK(label_smoothing_loss(zeros<float>({0, 5}), zeros<std::int64_t>({0}), 0, 0.1).item() == 0);
  CHECK_ERROR(label_smoothing_loss(zeros<float>({}), Ids{0}, 0, 0.1), ShapeError,
              "label_smoothing_loss: a scalar has no axis of classes");
  CHECK_ERROR(label_smoothing_loss(zeros<float>({2, 2}), Ids{0, 1}, 0, 0.1), Error,
              "label_smoothing_loss: size 2 leaves nothing to spread over");
  CHECK_ERROR(label_smoothing_loss(x, Ids{0, 1}, 0, -0.5), Error,
              "label_smoothing_loss: smoothing -0.5 is not in [0, 1]");
  CHECK_ERROR(label_smoothing_loss(x, Ids{0}, 0, 0.1), ShapeError,
              "label_smoothing_loss: target [1] does not fit x [2, 5]");
  CHECK_ERROR(label_smoothing_loss(x, Ids{0, -1}, 0, 0.1), IndexError,
              "label_smoothing_loss: target -1 is out of range for size 5");
}
