// Writing where others read: what lies on one memory is found whoever made it, a source is read before anything is
// written, and elements that share a place are refused.
#include <numeric>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/tensor/overlap.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::same_bits;
using gloss_test::values;

namespace {
Tensor<double> counted(const Shape& shape) { return arange<double>(static_cast<double>(shape.numel())).view(shape); }
}  // namespace

TEST_CASE("overlap: copy_ reads a source on the same memory before it writes") {
  Tensor<float> x = {{1, 2}, {3, 4}};
  x.copy_(x.t());
  CHECK(values(x) == std::vector<float>{1, 3, 2, 4});
  x.copy_(x);
  CHECK(values(x) == std::vector<float>{1, 3, 2, 4});
  x.copy_(x[1]);
  CHECK(values(x) == std::vector<float>{2, 4, 2, 4});
  auto line = counted({6});
  line.slice(0, 1).copy_(line.slice(0, 0, 5));
  CHECK(values(line) == std::vector<double>{0, 0, 1, 2, 3, 4});
  line.slice(0, 0, 5).copy_(line.slice(0, 1));
  CHECK(values(line) == std::vector<double>{0, 1, 2, 3, 4, 4});
  line.slice(0, 0, 6, 2).copy_(line.slice(0, 1, 6, 2));  // beside one another
  CHECK(values(line) == std::vector<double>{1, 1, 3, 3, 4, 4});
}

TEST_CASE("overlap: a large transposed copy and sum onto itself are the same for every number of threads") {
  const auto before = counted({700, 700});
  const auto transposed = before.t().contiguous(), sum = before + transposed;
  for (const int n : {1, 4}) {
    const gloss_test::Threads threads(n);
    auto x = before.clone(), y = before.clone();
    x.copy_(x.t());
    y += y.t();
    CHECK(same_bits(x, transposed));
    CHECK(same_bits(y, sum));
  }
}

TEST_CASE("overlap: tensors on one memory that is not gloss's") {
  std::vector<double> memory(9);
  const auto reset = [&] { std::iota(memory.begin(), memory.end(), 0.0); };
  const auto low = from_blob(memory.data(), {6}), high = from_blob(memory.data() + 2, {6}),
             square = from_blob(memory.data(), {3, 3}), columns = from_blob(memory.data(), {3, 3}, {1, 3});
  reset();
  high.copy_(low);
  CHECK(memory == std::vector<double>{0, 1, 0, 1, 2, 3, 4, 5, 8});
  reset();
  low.copy_(high);
  CHECK(memory == std::vector<double>{2, 3, 4, 5, 6, 7, 6, 7, 8});
  reset();
  high += low;
  CHECK(memory == std::vector<double>{0, 1, 2, 4, 6, 8, 10, 12, 8});
  reset();
  square.copy_(columns);
  CHECK(memory == std::vector<double>{0, 3, 6, 1, 4, 7, 2, 5, 8});
  reset();
  square -= columns;
  CHECK(memory == std::vector<double>{0, -2, -4, 2, 0, -2, 4, 2, 0});
  reset();
  const auto tensor = counted({3, 3});  // a blob on gloss's own memory
  const auto blob = from_blob(tensor.data(), {3, 3}, {1, 3});
  tensor.copy_(blob);
  CHECK(values(tensor) == std::vector<double>{0, 3, 6, 1, 4, 7, 2, 5, 8});
}

TEST_CASE("overlap: the mask of masked_fill_ may lie on what it fills") {
  Tensor<bool> x = {{true, true}, {false, false}};
  masked_fill_(x, x.t(), false);
  CHECK(values(x) == std::vector<bool>{false, true, false, false});
}

TEST_CASE("overlap: elements that share a place are refused by all that writes") {
  const auto stretched = zeros<float>({3}).expand({2, 3});
  const std::string one_place = ": the elements along axis 0 of shape [2, 3] are one place in memory; clone() it first";
  CHECK_ERROR(stretched.fill_(1), ShapeError, "fill_" + one_place);
  CHECK_ERROR(stretched.zero_(), ShapeError, "fill_" + one_place);
  CHECK_ERROR(stretched.copy_(ones<float>({2, 3})), ShapeError, "copy_" + one_place);
  CHECK_ERROR(mul_(stretched, 2), ShapeError, "mul_" + one_place);
  CHECK_ERROR(nn::init::constant_(stretched, 2), ShapeError, "fill_" + one_place);
  CHECK_ERROR(embedding_renorm_(stretched, Tensor<std::int64_t>{0}, 1), ShapeError, "embedding_renorm_" + one_place);
  CHECK_ERROR(nn::vector_to_parameters(zeros<float>({6}), {stretched}), ShapeError, "vector_to_parameters" + one_place);
  auto leaf = stretched.detach().requires_grad_();
  CHECK_ERROR(optim::SGD<float>({leaf}), ShapeError, "optimizer" + one_place);
  const auto windows = zeros<float>({4}).unfold(0, 2, 1);
  CHECK_ERROR(windows.fill_(1), ShapeError,
              "fill_: elements of shape [3, 2] with strides [1, 1] share places in memory; clone() it first");
  CHECK_ERROR(windows += 1, ShapeError,
              "add_: elements of shape [3, 2] with strides [1, 1] share places in memory; clone() it first");
  const auto x = counted({4, 2}), channels = zeros<double>({1}).expand({2}), running = zeros<double>({2});
  const std::string two = ": the elements along axis 0 of shape [2] are one place in memory; clone() it first";
  CHECK_ERROR(batch_norm(x, running, channels, {}, {}, {.training = true}), ShapeError, "batch_norm" + two);
  CHECK(values(running) == std::vector<double>{0, 0});
  CHECK_ERROR(instance_norm(x.unsqueeze(0), zeros<double>({4}), zeros<double>({1}).expand({4})), ShapeError,
              "instance_norm: the elements along axis 0 of shape [4] are one place in memory; clone() it first");
  CHECK(batch_norm(x, running, channels + 1).shape() == x.shape());  // which only reads them
  batch_norm(x, channels, channels);
}

TEST_CASE("overlap: layouts whose elements all have a place of their own are written, however odd") {
  std::vector<float> memory(64);
  const auto written = [&](const Shape& shape, const Shape& strides) {
    memory.assign(64, 0);
    from_blob(memory.data(), shape, strides).fill_(1);
    return std::accumulate(memory.begin(), memory.end(), 0.0F) == static_cast<float>(shape.numel());
  };
  CHECK(written({2, 3}, {3, 2}));  // 0 2 4 3 5 7
  CHECK(written({3, 1, 4}, {1, 0, 3}));
  CHECK(written({4, 3, 2}, {1, 8, 4}));
  CHECK(written({2, 2, 2}, {5, 3, 1}));  // 0 1 3 4 5 6 8 9
  CHECK(written({0, 3}, {0, 0}));
  CHECK(written({1, 3}, {0, 5}));
  CHECK_ERROR(written({2, 4}, {3, 1}), ShapeError,
              "fill_: elements of shape [2, 4] with strides [3, 1] share places in memory; clone() it first");
  CHECK_ERROR(written({3, 2, 2}, {1, 3, 2}), ShapeError,
              "fill_: elements of shape [3, 2, 2] with strides [1, 3, 2] share places in memory; clone() it first");
}

TEST_CASE("overlap: in the graph, a source on the same memory gives its earlier numbers and gets its gradient") {
  auto w = Tensor<double>{{1, 2}, {3, 4}}.requires_grad_();
  auto y = w * 1;
  const auto other = y.t().detach().clone();
  y *= other;
  CHECK(values(y) == std::vector<double>{1, 6, 6, 16});
  nn::Linear<double> a(2, 2);
  a.weight = nn::Parameter<double>(Tensor<double>{{1, 2}, {3, 4}});
  const nn::Parameter<double> turned(a.weight.detach().t());  // on the same memory
  a.weight = turned;
  CHECK(values(a.weight) == std::vector<double>{1, 3, 2, 4});
}

TEST_CASE("overlap: a parameter that is not dense is updated where its elements stand") {
  const auto memory = counted({3, 4});
  auto column = memory.select(1, 1).requires_grad_(), turned = memory.t().slice(0, 2).requires_grad_();
  auto dense = column.detach().clone().requires_grad_(), other = turned.detach().clone().requires_grad_();
  optim::Adam<double> strided({column, turned}, {.lr = 0.5}), same({dense, other}, {.lr = 0.5});
  optim::SGD<double> sgd({column, turned}, {.lr = 0.5, .momentum = 0.9}),
      same_sgd({dense, other}, {.lr = 0.5, .momentum = 0.9});
  for (int step = 0; step < 3; ++step) {
    (sum(column * column) + sum(turned * turned)).backward();
    (sum(dense * dense) + sum(other * other)).backward();
    strided.step();
    same.step();
    sgd.step();
    same_sgd.step();
  }
  CHECK(same_bits(column.contiguous(), dense));
  CHECK(same_bits(turned.contiguous(), other));
  CHECK(values(memory.select(1, 0)) == std::vector<double>{0, 4, 8});
}

TEST_CASE("overlap: load_state_dict reads all before it writes") {
  nn::Linear<double> layer(2, 2, {.bias = false}), two(2, 2, {.bias = false});
  auto pair = nn::Sequential(layer, two);
  const auto own = pair.state_dict();
  REQUIRE(own.size() == 2);
  const auto first = own.entry(0).second.as<double>().clone(), second = own.entry(1).second.as<double>().clone();
  nn::StateDict swapped;
  swapped.add(own.entry(0).first, own.entry(1).second.as<double>());
  swapped.add(own.entry(1).first, own.entry(0).second.as<double>().t());
  nn::load_state_dict(pair, swapped);
  CHECK(same_bits(own.entry(0).second.as<double>(), second));
  CHECK(same_bits(own.entry(1).second.as<double>(), first.t().contiguous()));
}

TEST_CASE("overlap: vector_to_parameters reads all of a vector on the parameters' memory before it writes") {
  const auto flat = counted({4});
  nn::vector_to_parameters(flat, {flat.slice(0, 2), flat.slice(0, 0, 2)});
  CHECK(values(flat) == std::vector<double>{2, 3, 0, 1});
}
