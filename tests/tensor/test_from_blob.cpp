#include <gloss/gloss.hpp>
#include <gloss/tensor/from_blob.hpp>
#include <memory>
#include <vector>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("from_blob: the tensor and its source are one memory") {
  std::vector<float> numbers{0, 1, 2, 3, 4, 5};
  const Tensor<float> x = from_blob(numbers.data(), {2, 3});
  CHECK(x.data() == numbers.data());
  numbers[4] = 40;
  CHECK(x.at({1, 1}) == 40);
  x.at({0, 0}) = 7;
  CHECK(numbers[0] == 7);
  const Tensor<float> columns = from_blob(numbers.data(), {2, 3}, {1, 2});
  CHECK(gloss_test::values(columns) == std::vector<float>{7, 2, 40, 1, 3, 5});
  CHECK(gloss_test::values(from_blob(numbers.data(), {2, 2}, {0, 1})) == std::vector<float>{7, 1, 7, 1});
  CHECK(from_blob<float>(nullptr, {0, 3}).numel() == 0);
}

TEST_CASE("from_blob: an owner lives until the last tensor on the memory is gone") {
  auto owner = std::make_shared<std::vector<double>>(std::vector<double>{1, 2, 3, 4});
  const std::weak_ptr<std::vector<double>> watch = owner;
  double* const data = owner->data();
  Tensor<double> x = from_blob(data, {4}, {1}, std::move(owner));
  Tensor<double> part = x.slice(0, 1, 3);
  x = {};
  CHECK_FALSE(watch.expired());
  CHECK(gloss_test::values(part) == std::vector<double>{2, 3});
  part = {};
  CHECK(watch.expired());
}

TEST_CASE("from_blob: a deleter is called once, with the pointer, also from a graph's last hold") {
  int calls = 0;
  std::vector<double> numbers{1, 2};
  double* seen = nullptr;
  {
    Tensor<double> y;
    {
      auto x = from_blob(numbers.data(), {2}, {1}, [&](double* p) {
        ++calls;
        seen = p;
      });
      x.requires_grad_();
      y = sum(x * x);
    }
    CHECK(calls == 0);
    y.backward();
  }
  CHECK(calls == 1);
  CHECK(seen == numbers.data());
}

TEST_CASE("from_blob: the pool's statistics are not touched, and blocks are recycled as before") {
  std::vector<float> numbers(1000);
  const std::size_t in_use = memory_stats().in_use;
  {
    const auto x = from_blob(numbers.data(), {1000});
    CHECK(memory_stats().in_use == in_use);
    const auto y = x.clone();
    CHECK(memory_stats().in_use > in_use);
    CHECK_FALSE(from_blob(numbers.data(), {1}).owns_memory());
    CHECK(zeros<float>({1}).owns_memory());
  }
  CHECK(memory_stats().in_use == in_use);
}

TEST_CASE("from_blob: a gradient that the caller can see is not added to in place") {
  std::vector<double> seed{1, 1};
  auto x = Tensor<double>{2, 3}.requires_grad_();
  (x * 2).backward(from_blob(seed.data(), {2}));
  const auto y = x * 1;
  y.backward(from_blob(seed.data(), {2}));
  CHECK(seed == std::vector<double>{1, 1});
  CHECK(gloss_test::values(x.grad()) == std::vector<double>{3, 3});
}

TEST_CASE("from_blob: what cannot be is refused") {
  alignas(8) float numbers[4] = {};
  CHECK_ERROR(from_blob(numbers, {2, -1}), ShapeError, "from_blob: negative size in [2, -1]");
  CHECK_ERROR(from_blob(numbers, {2, 2}, {2}), ShapeError,
              "from_blob: strides [2] have not one entry per axis of [2, 2]");
  CHECK_ERROR(from_blob(numbers, {2}, {-1}), ShapeError, "from_blob: negative stride in [-1]");
  CHECK_ERROR(from_blob<float>(nullptr, {2}), ShapeError, "from_blob: a null pointer cannot hold shape [2]");
  CHECK_ERROR(from_blob(numbers, {Index{1} << 40, Index{1} << 40}), ShapeError,
              "from_blob: too many elements in [1099511627776, 1099511627776]");
  CHECK_ERROR(from_blob(numbers, {0, Index{1} << 40, Index{1} << 40}), ShapeError,
              "from_blob: too many elements in [0, 1099511627776, 1099511627776]");
  CHECK_ERROR(zeros<float>({0, Index{1} << 40, Index{1} << 40}), ShapeError,
              "empty: too many elements in [0, 1099511627776, 1099511627776]");
  CHECK_ERROR(from_blob(reinterpret_cast<double*>(numbers + 1), {1}), ShapeError,
              "from_blob: the address is not a multiple of 8, which float64 needs");
}

TEST_CASE("from_span, as_span: to and from spans without a copy") {
  std::vector<std::int64_t> ids{5, 6, 7, 8};
  const auto x = from_span(std::span(ids));
  CHECK(x.shape() == Shape{4});
  CHECK(from_span(std::span(ids), {2, 2}).at({1, 0}) == 7);
  for (std::int64_t& id : as_span(x)) id *= 2;
  CHECK(ids == std::vector<std::int64_t>{10, 12, 14, 16});
  CHECK(as_span(zeros<float>({2, 0})).empty());
  CHECK_ERROR(from_span(std::span(ids), {3}), ShapeError, "from_span: 4 values do not fill shape [3]");
  CHECK_ERROR(as_span(x.slice(0, 0, 4, 2)), ShapeError,
              "as_span: a tensor of shape [2] with strides [2] is not contiguous");
}

namespace {

// The same numbers in memory of the pool, and off its alignment by one element.
template <class T>
struct Shifted {
  std::vector<T> memory;
  Tensor<T> operator()(const Tensor<T>& x) {
    const auto n = static_cast<std::size_t>(x.numel());
    memory.assign(n + 17, T{});
    std::size_t at = 1;
    while (reinterpret_cast<std::uintptr_t>(memory.data() + at) % 16 != sizeof(T) % 16) ++at;
    std::copy(x.data(), x.data() + n, memory.data() + at);
    return from_blob(memory.data() + at, x.shape());
  }
};

template <class T, class F>
void check_shifted(F f, const std::vector<Tensor<T>>& inputs) {
  std::vector<Shifted<T>> blobs(inputs.size());
  std::vector<Tensor<T>> leaves, shifted;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    leaves.push_back(inputs[i].detach().clone().requires_grad_());
    shifted.push_back(blobs[i](inputs[i]).requires_grad_());
  }
  Rng rng(1);
  Rng same(1);
  const Tensor<T> y = [&] {
    RngGuard use(rng);
    return f(leaves);
  }();
  const Tensor<T> z = [&] {
    RngGuard use(same);
    return f(shifted);
  }();
  CHECK(gloss_test::same_bits(y, z));
  const Tensor<T> dy = ones_like(y);
  Shifted<T> blob;
  y.backward(dy);
  z.backward(blob(dy));
  for (std::size_t i = 0; i < inputs.size(); ++i) CHECK(gloss_test::same_bits(leaves[i].grad(), shifted[i].grad()));
}

}  // namespace

TEST_CASE("from_blob: every kernel takes memory that is aligned to its element and no more", "[alignment]") {
  Rng rng(6);
  RngGuard use(rng);
  auto all = [](auto zero) {
    using T = decltype(zero);
    using V = std::vector<Tensor<T>>;
    for (const Index n : {3, 37, 64}) {
      const auto a = randn<T>({n, n}), b = randn<T>({n, n}), row = randn<T>({n});
      check_shifted<T>([](const V& x) { return matmul(x[0], x[1]); }, {a, b});
      check_shifted<T>([](const V& x) { return matmul(x[0].mT(), x[1].select(0, 0)); }, {a, b});
      check_shifted<T>([](const V& x) { return linear(x[0], x[1], x[2]); }, {a, b, row});
      check_shifted<T>([](const V& x) { return x[0] * x[1] + exp(x[2]) - tanh(x[0]) / (x[1] * x[1] + 1); },
                       {a, b, row});
      check_shifted<T>([](const V& x) { return gelu(x[0]) + sigmoid(x[1]) + relu(x[0]) + erf(x[1]); }, {a, b});
      check_shifted<T>([](const V& x) { return softmax(x[0], -1) + log_softmax(x[0], 0); }, {a});
      check_shifted<T>([](const V& x) { return layer_norm(x[0], x[1], x[1]); }, {a, row});
      check_shifted<T>([](const V& x) { return sum(x[0], 0) + mean(x[0], 1) + max(x[0], 1).values; }, {a});
      check_shifted<T>([](const V& x) { return dropout(x[0], 0.3); }, {a});
      check_shifted<T>([](const V& x) { return scaled_dot_product_attention(x[0], x[0], x[1]); },
                       {randn<T>({2, n, 8}), randn<T>({2, n, 8})});
      check_shifted<T>([n](const V& x) { return cross_entropy(x[0], arange<std::int64_t>(n)); }, {a});
      check_shifted<T>([n](const V& x) { return embedding(arange<std::int64_t>(n), x[0]); }, {a});
    }
  };
  all(float{});
  all(double{});
}

TEST_CASE("from_blob: the optimizers' kernels take memory that is not aligned", "[alignment]") {
  Rng rng(7);
  RngGuard use(rng);
  const auto p = randn<float>({67}), g = randn<float>({67});
  Shifted<float> blobs[4];
  const auto p1 = p.clone(), m1 = zeros<float>({67}), v1 = zeros<float>({67});
  const auto p2 = blobs[0](p), g2 = blobs[1](g), m2 = blobs[2](m1), v2 = blobs[3](v1);
  kernels::adam_step(p1.data(), g.data(), m1.data(), v1.data(), 67, 0.1, 0.9, 0.99, 1e-8, 0.01, true, 1);
  kernels::adam_step(p2.data(), g2.data(), m2.data(), v2.data(), 67, 0.1, 0.9, 0.99, 1e-8, 0.01, true, 1);
  CHECK(gloss_test::same_bits(p1, p2));
  CHECK(gloss_test::same_bits(v1, v2));
}
