#include <thread>

#include <gloss/gloss.hpp>
#include <gloss/tensor/checkpoint.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;
using D = Tensor<double>;

namespace {

/// A layer that forgets and drops, so that its random numbers have to be drawn again.
template <class T>
struct Block final : nn::Module<T> {
  nn::Linear<T> in, out;
  nn::Dropout<T> dropout{0.3};
  explicit Block(Index d) : in(d, 4 * d), out(4 * d, d) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return x + dropout(out(dropout(gelu(in(x))))); }
  void visit(nn::Visitor<T>& v) override { v("in", in), v("out", out), v("dropout", dropout); }
};

enum class How { plain, each, all, nested };

/// Loss and gradients of four blocks in a row.
template <class T>
std::vector<Tensor<T>> train_blocks(How how, std::size_t* peak = nullptr, bool twice = false) {
  manual_seed(7);
  const Index d = 32;
  std::vector<Block<T>> blocks = nn::clones(Block<T>(d), 4);
  for (auto& block : blocks) nn::init::normal_(block.in.weight, 0, 0.2);
  const auto run = [&](const Tensor<T>& input) {
    Tensor<T> h = input;
    for (const auto& block : blocks) h = how == How::plain || how == How::all ? block(h) : checkpoint(block, h);
    return h;
  };
  const auto x = randn<T>({64, d}).requires_grad_();
  reset_peak_memory();
  const auto before = memory_stats().in_use;
  const Tensor<T> h = how == How::plain || how == How::each ? run(x) : checkpoint(run, x);
  const Tensor<T> loss = sum(h * h);
  const std::uint64_t position = current_rng().position();
  loss.backward({.retain_graph = twice});
  if (twice) loss.backward();
  if (peak) *peak = memory_stats().peak - before;
  CHECK(current_rng().position() == position);
  std::vector<Tensor<T>> out = {loss.detach(), x.grad()};
  for (const auto& block : blocks)
    for (const auto& p : block.parameters()) out.push_back(p.grad());
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("checkpoint: value and gradients have the bits of the plain graph, dropout included", "", float,
                   double) {
  const auto plain = train_blocks<TestType>(How::plain);
  for (const How how : {How::each, How::all, How::nested}) {
    const auto got = train_blocks<TestType>(how);
    REQUIRE(got.size() == plain.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      INFO("how " << static_cast<int>(how) << ", tensor " << i);
      CHECK(same_bits(got[i], plain[i]));
    }
  }
  const auto twice = train_blocks<TestType>(How::nested, nullptr, true),
             plain_twice = train_blocks<TestType>(How::plain, nullptr, true);
  for (std::size_t i = 0; i < twice.size(); ++i) CHECK(same_bits(twice[i], plain_twice[i]));
}

TEST_CASE("checkpoint: the peak of memory is lower") {
  std::size_t plain = 0, each = 0;
  train_blocks<float>(How::plain, &plain);
  train_blocks<float>(How::each, &each);
  INFO("plain " << plain << ", checkpointed " << each);
  CHECK(10 * each < 7 * plain);
}

TEST_CASE("checkpoint: grad() finds parameters that only the function knows, and values of the outer graph it holds") {
  manual_seed(1);
  const nn::Linear<double> layer(3, 3);
  const auto x = randn<double>({2, 3}).requires_grad_();
  const auto h = tanh(x);
  const auto f = [&](const D& in) { return layer(in) * h; };
  const auto y = sum(checkpoint(f, x * 2)), z = sum(f(x * 2));
  const std::vector<D> by = {layer.weight, x, h};
  const auto got = grad(y, by, {.retain_graph = true}), expected = grad(z, by);
  for (std::size_t i = 0; i < by.size(); ++i) CHECK(same_bits(got[i], expected[i]));
  CHECK_FALSE(layer.weight.grad().defined());
}

TEST_CASE("checkpoint: second derivatives go through") {
  manual_seed(2);
  const auto x = randn<double>({2, 3}).requires_grad_(), w = randn<double>({3}).requires_grad_();
  const auto f = [](const D& a, const D& b) { return softmax(a * b, -1) * tanh(a); };
  const std::vector<D> inputs = {x, w};
  CHECK(gradcheck([&](const auto& in) { return checkpoint(f, in[0], in[1]); }, inputs));
  CHECK(gradgradcheck([&](const auto& in) { return checkpoint(f, in[0], in[1]); }, inputs));
}

TEST_CASE("checkpoint: takes tensors of other types along, and is plain under NoGradGuard") {
  const auto x = D{1, 2, 3}.requires_grad_();
  const Tensor<bool> mask = {true, false, true};
  const auto f = [](const D& a, const Tensor<bool>& m, const D& none) {
    CHECK_FALSE(none.defined());
    return masked_fill(a * a, m, 0);
  };
  sum(checkpoint(f, x, mask, D{})).backward();
  CHECK(gloss_test::values(x.grad()) == std::vector<double>{0, 4, 0});
  NoGradGuard no_grad;
  CHECK_FALSE(checkpoint(f, x, mask, D{}).requires_grad());
  // a function that hands its input on
  GradGuard grad_mode(true);
  x.zero_grad();
  sum(checkpoint([](const D& a) { return a; }, x)).backward();
  CHECK(x.grad().at({1}) == 1);
}

TEST_CASE("checkpoint: an input that changes, in the function or after it, is an error, and so is another shape") {
  const auto x = D{1, 2}.requires_grad_();
  CHECK_ERROR(checkpoint([](const D& a, const D& b) { return b.detach() += 1, a * b; }, x, ones<double>({2})),
              GradError, "checkpoint: the function changes input 1 in place");
  auto h = x * 2;
  const auto y = sum(checkpoint([](const D& a) { return a * a; }, h));
  h += 1;
  CHECK_ERROR(y.backward(), GradError,
              "backward of checkpoint: a tensor of shape [2] that was saved for it has been changed in place by add_ "
              "(version 1, saved at 0); change a clone() instead");
  Index size = 2;
  const auto z = sum(checkpoint([&](const D& a) { return a.expand({size, 2}); }, x));
  size = 3;
  CHECK_ERROR(z.backward(), GradError, "checkpoint: the function gave shape [2, 2], and [3, 2] when called again");
  const auto thrower = [count = std::make_shared<int>(0)](const D& a) {
    if ((*count)++ > 0) throw Error("again");
    return a * 2;
  };
  const auto t = sum(checkpoint(thrower, x));
  CHECK_ERROR(t.backward(), Error, "again");
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("checkpoint: a backward on another thread draws the same numbers and shares parameters") {
  manual_seed(3);
  Block<double> block(8);
  const auto x = randn<double>({4, 8});
  const auto loss = [&](std::uint64_t seed) {
    Rng rng(seed);
    const RngGuard use(rng);
    return sum(checkpoint(block, x));
  };
  loss(1).backward();
  const auto one = block.in.weight.grad().clone();
  block.zero_grad();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      const auto y = loss(1);
      current_rng().reserve(1000);
      std::thread([y] { y.backward(); }).join();
    });
  for (auto& t : threads) t.join();
  CHECK(gloss_test::difference(block.in.weight.grad(), one * 4) < 1e-14);
}

TEST_CASE("checkpoint: draws again what it drew, also where other threads drew from the stream in between") {
  manual_seed(4);
  const auto x = ones<double>({1000}).requires_grad_();
  const auto f = [](const D& in) {
    const D once = dropout(in, 0.5);
    std::thread([] { current_rng().reserve(7), current_rng()(); }).join();
    const auto permuted = index_select(once, 0, randperm(1000));
    current_rng()();
    const D scaled = dropout(permuted, 0.5) * static_cast<double>(1 + current_rng().below(5));
    return checkpoint([](const D& h) { return dropout(h, 0.5); }, scaled);
  };
  const D y = checkpoint(f, x);
  sum(y * y).backward();  // y_i = c x_j or 0, so the gradient is 2 c^2 = 2 y^2 / x, permuted
  double squares = 0;
  for (const double v : gloss_test::values(y)) squares += v * v;
  double gradients = 0;
  for (const double g : gloss_test::values(x.grad())) gradients += g;
  CHECK(squares > 0);
  CHECK(gradients == 2 * squares);
}
