#include <gloss/gloss.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using D = Tensor<double>;
using In = std::vector<D>;

namespace {
/// 2x, whose backward is off by a factor in one element, or by nothing.
D doubled(const D& x, double factor, bool second = true) {
  return record("doubled", (x * 2).detach(), {x}, [=](const D& dy, Grads& dx) {
    D g = dy * 2;
    if (!second) g = g.detach().clone();
    const GradGuard plain(false);
    g.data()[4] *= factor;
    dx.add(0, g);
  });
}
const D x = D{{1, 2, 3}, {4, 5, 6}}.requires_grad_();
const D w = D{0.5, -1, 2}.requires_grad_();
}  // namespace

TEST_CASE("gradcheck: passes what is right, for one output or several, and names the worst derivative in a report") {
  CHECK(gradcheck([](const In& in) { return in[0] * in[1]; }, {x, w}));
  CHECK(gradcheck([](const In& in) { return In{in[0] * in[1], exp(in[1]), D{7}}; }, {x, w}));
  const auto report = gradcheck_report([](const In& in) { return In{in[1] * 1, in[0] * in[1]}; }, {x.detach(), w});
  CHECK(report.passed);
  CHECK(report.input == 1);
  CHECK(report.relative_error < 1e-8);
  CHECK(report.text.find("gradcheck: output " + std::to_string(report.output) + " of shape ") == 0);
  const auto empty_report =
      gradcheck_report([](const In& in) { return in[0] * 2; }, {zeros<double>({0}).requires_grad_()});
  CHECK(empty_report.passed);
  CHECK(empty_report.text.empty());
}

TEST_CASE("gradcheck: a wrong derivative is named with both places, both values, unweighted, and the relative error") {
  const auto wrong = [](const In& in) { return In{in[1] * 1, doubled(in[0], 1.5)}; };
  const auto report = gradcheck_report(wrong, {x, w});
  CHECK_FALSE(report.passed);
  CHECK(report.output == 1);
  CHECK(report.output_element == 4);
  CHECK(report.input == 0);
  CHECK(report.input_element == 4);
  CHECK(report.analytic == 3);
  CHECK(report.numeric == Approx(2));
  CHECK(report.relative_error == Approx(1.0 / 3));
  std::string text = "nothing was thrown";
  try {
    gradcheck(wrong, {x, w});
  } catch (const GradError& error) {
    text = error.what();
  }
  CHECK(text == report.text);
  CHECK(
      text.find("gradcheck: output 1 of shape [2, 3], element 4, by input 0 of shape [2, 3], element 4: backward gives "
                "3, the difference quotient ") == 0);
  CHECK(text.find(", relative error 0.333") != std::string::npos);
  CHECK_FALSE(gradcheck_report([](const In& in) { return doubled(in[0], NAN); }, {x}).passed);
  CHECK(x.at({1, 1}) == 5);  // put back
}

TEST_CASE("gradgradcheck: passes what is right and finds a second derivative that is cut off or wrong") {
  CHECK(gradgradcheck([](const In& in) { return softmax(in[0] * in[1], -1); }, {x, w}));
  CHECK(gradgradcheck([](const In& in) { return In{in[0] * in[1], tanh(in[1])}; }, {x, w}));
  CHECK(gradgradcheck([](const In& in) { return in[0] * 3; }, {x}));  // a linear function has none, rightly
  const auto cut = [](const In& in) {
    const D y = exp(in[0]);
    return record("cut", y.detach(), {in[0]}, [saved = y.detach()](const D& dy, Grads& dx) { dx.add(0, dy * saved); });
  };
  CHECK(gradcheck(cut, {w}));
  const auto report = gradgradcheck_report(cut, {w});
  CHECK_FALSE(report.passed);
  CHECK(report.input == 0);
  CHECK(report.analytic == 0);
  CHECK(report.numeric > 0.1);
  CHECK(report.text.find("gradgradcheck: output 0 of shape [3], element ") == 0);
}

TEST_CASE("gradcheck: what cannot be checked is said") {
  const auto twice = [](const In& in) { return in[0] * 2; };
  CHECK_ERROR(gradcheck(twice, {x.detach()}), GradError, "gradcheck: no input requires a gradient");
  CHECK_ERROR(gradcheck(twice, {x.detach().mT().requires_grad_()}), GradError,
              "gradcheck: input 0 is not contiguous; make the view inside f");
  CHECK_ERROR(gradcheck([](const In& in) { return in[0].detach(); }, {x}), GradError,
              "gradcheck: the output does not depend on an input that requires a gradient");
  CHECK_ERROR(gradgradcheck([](const In& in) { return in[0].detach(); }, {x}), GradError,
              "gradgradcheck: no output depends on an input that requires a gradient");
}
