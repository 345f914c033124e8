// One seed, one training run: the same bits for any number of threads.
#include <atomic>
#include <thread>
#include <vector>

#include <gloss/nn/taps.hpp>
#include <gloss/nn/transformer.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/clip_grad.hpp>
#include <gloss/optim/lambda_lr.hpp>
#include <gloss/optim/rate.hpp>
#include <gloss/tensor/profile.hpp>
#include <gloss/train/annotated/copy_task.hpp>
#include <gloss/train/annotated/label_smoothing.hpp>
#include <gloss/train/annotated/loss_compute.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;

namespace {

struct Run {
  std::vector<double> losses;
  std::vector<Tensor<float>> weights;
};

/// Ten steps with dropout everywhere. The sizes are such that products, attention, softmax, norms, dropout, embedding,
/// losses and Adam all pass their parallel thresholds.
Run train_on(int threads) {
  const gloss_test::Threads guard(threads);
  Rng rng(77);
  RngGuard use(rng);
  auto model = transformer::make_model<float>({.src_vocab = 600,
                                               .tgt_vocab = 700,
                                               .N = 2,
                                               .d_model = 112,
                                               .d_ff = 320,
                                               .h = 4,
                                               .dropout = 0.1,
                                               .attention_dropout = 0.1,
                                               .max_len = 64});
  optim::Adam<float> adam(model.parameters(), {.lr = 1, .betas = {0.9, 0.98}, .eps = 1e-9});
  optim::LambdaLR schedule(adam, [](Index step) { return optim::rate(step, 112, 1, 20); });
  const train::SimpleLossCompute compute(model.generator, train::LabelSmoothing<float>(700, 0, 0.1));
  Run run;
  for (Index step = 0; step < 10; ++step) {
    auto src = randint(1, 600, {24, 31}), tgt = randint(1, 700, {24, 34});
    for (Index row = 0; row < 24; row += 3) {  // padding
      src.select(0, row).slice(0, 20).fill_(0);
      tgt.select(0, row).slice(0, 17 + row % 5).fill_(0);
    }
    const train::Batch batch(src, tgt, 0);
    const auto loss = compute(model(batch.src, batch.tgt, batch.src_mask, batch.tgt_mask), batch.tgt_y,
                              static_cast<double>(batch.ntokens));
    loss.node.backward();
    run.losses.push_back(loss.total);
    run.losses.push_back(optim::clip_grad_norm_(model.parameters(), 1.0));
    adam.step();
    adam.zero_grad();
    schedule.step();
  }
  run.weights = model.parameters();
  return run;
}

}  // namespace

TEST_CASE("threads: one seed gives the same losses, gradient norms and weights, bit by bit, on 1, 2, 3, 4 and 8") {
  const Run one = train_on(1);
  for (const double x : one.losses) CHECK(std::isfinite(x));
  for (const int threads : {2, 3, 4, 8}) {
    INFO(threads << " threads");
    const Run many = train_on(threads);
    CHECK(many.losses == one.losses);
    bool same = true;
    for (std::size_t i = 0; i < one.weights.size(); ++i)
      same = same && gloss_test::same_bits(many.weights[i].detach(), one.weights[i].detach());
    CHECK(same);
  }
}

TEST_CASE("threads: one const model serves several std::threads at once, with the results of one after the other") {
  Rng rng(5);
  const RngGuard use(rng);
  auto made = transformer::make_model<float>(
      {.src_vocab = 300, .tgt_vocab = 300, .N = 2, .d_model = 64, .d_ff = 256, .h = 4, .max_len = 64});
  made.eval();
  const auto& model = made;
  constexpr int count = 4;
  std::vector<Tensor<std::int64_t>> src, tgt;
  for (int i = 0; i < count; ++i) {
    src.push_back(randint(3, 300, {8, 20 + i}));
    tgt.push_back(randint(3, 300, {8, 12 + i}));
  }
  const auto answer = [&](std::size_t i) {
    const train::Batch batch(src[i], tgt[i]);
    return model.generator(model(batch.src, batch.tgt, batch.src_mask, batch.tgt_mask));
  };
  for (const int threads : {1, 2, 4}) {
    const gloss_test::Threads guard(threads);
    std::vector<Tensor<float>> alone, together(count);
    for (std::size_t i = 0; i < count; ++i) alone.push_back(answer(i));
    std::vector<std::thread> hosts;
    for (std::size_t i = 0; i < count; ++i)
      hosts.emplace_back([&, i] {
        const NoGradGuard no_grad;
        for (int round = 0; round < 5; ++round) together[i] = answer(i);
      });
    for (auto& host : hosts) host.join();
    for (std::size_t i = 0; i < count; ++i) CHECK(gloss_test::same_bits(together[i], alone[i].detach()));
  }
}

TEST_CASE("threads: taps, a profile, kept weights, hooks and emptying the pool disturb no other thread") {
  Rng rng(6);
  const RngGuard use(rng);
  nn::Transformer<float> made(32, 4, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 64});
  made.eval();
  const auto& model = made;
  const auto& attention = model.encoder.layers[0].self_attn;
  const Tensor<float> src = randn<float>({40, 3, 32}), tgt = randn<float>({30, 3, 32});
  const auto gradient = [&] {
    Tensor<float> x = src.clone().requires_grad_();
    const auto handle = x.register_hook([](const Tensor<float>& g) { return g * 2.0f; });
    sum(model(x, tgt)).backward();
    return x.grad();
  };
  const Tensor<float> y = model(src, tgt).detach(), w = attention.with_weights(src, src, src).attn_output_weights,
                      g = gradient();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> hosts;
  const auto host = [&](auto call) {
    hosts.emplace_back([&wrong, call] {
      const gloss_test::Threads guard(3);
      for (int round = 0; round < 5; ++round) wrong += !call();
    });
  };
  host([&] { return gloss_test::same_bits(gradient(), g); });
  host([&] { return gloss_test::same_bits(attention.with_weights(src, src, src).attn_output_weights, w); });
  host([&] {
    const nn::Taps<float> taps(model);
    empty_cache();
    return gloss_test::same_bits(model(src, tgt).detach(), y) && taps.calls().size() > 10;
  });
  host([&] {
    const Profile profile;
    const NoGradGuard no_grad;
    return gloss_test::same_bits(model(src, tgt), y) && memory_stats().in_use > 0;
  });
  for (auto& thread : hosts) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("threads: several std::threads train through one model's parameters, each gradient arrives") {
  const nn::Parameter<float> w(full<float>({64, 64}, 0.5f));
  const Tensor<float> x = ones<float>({256, 64});
  sum(linear(x, w)).backward();
  const Tensor<float> once = w.grad().clone();
  w.zero_grad();
  std::vector<std::thread> hosts;
  for (int i = 0; i < 4; ++i) hosts.emplace_back([&] { sum(linear(x, w)).backward(); });
  for (auto& host : hosts) host.join();
  CHECK(gloss_test::same_bits(w.grad(), once * 4.0f));
}

TEST_CASE("threads: a training leaves the host's OpenMP settings as they were") {
#ifdef _OPENMP
  const gloss_test::Threads guard(3);
  const int dynamic = omp_get_dynamic(), levels = omp_get_max_active_levels();
  train_on(2);
  CHECK(omp_get_max_threads() == 3);
  CHECK(omp_get_dynamic() == dynamic);
  CHECK(omp_get_max_active_levels() == levels);
#endif
}
