// One seed, one training run: the same bits for any number of threads.
#ifdef _OPENMP
#include <omp.h>
#endif

#include <vector>

#include <gloss/optim/adam.hpp>
#include <gloss/optim/clip_grad.hpp>
#include <gloss/optim/lambda_lr.hpp>
#include <gloss/optim/rate.hpp>
#include <gloss/train/copy_task.hpp>
#include <gloss/train/label_smoothing.hpp>
#include <gloss/train/loss_compute.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

void set_threads([[maybe_unused]] int n) {
#ifdef _OPENMP
  omp_set_num_threads(n);
#endif
}

struct Run {
  std::vector<double> losses;
  std::vector<Tensor<float>> weights;
};

/// Ten steps with dropout everywhere. The sizes are such that products, attention, softmax, norms, dropout, embedding,
/// losses and Adam all pass their parallel thresholds.
Run train_on(int threads) {
  set_threads(threads);
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

TEST_CASE("threads: one seed gives the same losses, gradient norms and weights, bit by bit, on 1, 2, 3 and 4 threads") {
#ifdef _OPENMP
  const int before = omp_get_max_threads();
#endif
  const Run one = train_on(1);
  for (const double x : one.losses) CHECK(std::isfinite(x));
  for (const int threads : {2, 3, 4}) {
    INFO(threads << " threads");
    const Run many = train_on(threads);
    CHECK(many.losses == one.losses);
    bool same = true;
    for (std::size_t i = 0; i < one.weights.size(); ++i)
      same = same && gloss_test::same_bits(many.weights[i].detach(), one.weights[i].detach());
    CHECK(same);
  }
#ifdef _OPENMP
  set_threads(before);
#endif
}
