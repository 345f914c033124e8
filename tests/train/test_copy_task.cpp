// AT's first example: after a few epochs the model copies sequences that it has never seen, all of them exactly.
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/lambda_lr.hpp>
#include <gloss/optim/rate.hpp>
#include <gloss/train/annotated/copy_task.hpp>
#include <gloss/train/annotated/label_smoothing.hpp>
#include <gloss/train/annotated/run_epoch.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("copy_task: a small model copies 100 new sequences exactly") {
  Rng rng(1);
  RngGuard use(rng);
  auto model = transformer::make_model<float>({.src_vocab = 11,
                                               .tgt_vocab = 11,
                                               .N = 2,
                                               .d_model = 64,
                                               .d_ff = 128,
                                               .h = 4,
                                               .dropout = 0.0,
                                               .attention_dropout = 0.0,
                                               .max_len = 16});
  optim::Adam<float> adam(model.parameters(), {.lr = 1, .betas = {0.9, 0.98}, .eps = 1e-9});
  optim::LambdaLR schedule(adam, [](Index step) { return optim::rate(step, 64, 1, 200); });
  const train::SimpleLossCompute compute(model.generator, train::LabelSmoothing<float>(11, 0, 0.0));
  double loss = 0;
  Index epochs = 0;
  for (; epochs < 80; ++epochs) {
    loss = train::run_epoch(train::copy_task({.batch_size = 64, .batches = 20}), model, compute, adam, schedule);
    if (loss < 0.001) break;  // at 0.005 a sequence or two in a hundred may still be wrong, as the last bits fall
  }
  CAPTURE(epochs, loss);
  CHECK(loss < 0.1);

  model.eval();
  const auto test = train::copy_task({.batch_size = 100, .batches = 1})[0];
  const auto said = decode::greedy_search(model, test.src, test.src_mask, {.start = 1, .end = 0, .max_len = 9});
  Index exact = 0;
  for (Index i = 0; i < 100; ++i)
    exact += said[static_cast<std::size_t>(i)].tokens == gloss_test::values(test.src.select(0, i).slice(0, 1));
  CHECK(exact == 100);
}

TEST_CASE("copy_task: sequences start with 1, have no padding, and are their own target") {
  Rng rng(2);
  RngGuard use(rng);
  const auto batches = train::copy_task({.vocab = 5, .batch_size = 7, .batches = 3, .length = 6});
  REQUIRE(batches.size() == 3);
  for (const auto& batch : batches) {
    CHECK(batch.src.shape() == Shape{7, 6});
    CHECK(batch.ntokens == 35);
    CHECK(gloss_test::same_bits(batch.tgt_y, batch.src.slice(1, 1)));
    for (const auto id : gloss_test::values(batch.src)) CHECK((id >= 1 && id < 5));
    for (const auto id : gloss_test::values(batch.src.select(1, 0))) CHECK(id == 1);
  }
  CHECK_FALSE(gloss_test::same_bits(batches[0].src, batches[1].src));
}

TEST_CASE("copy_task: impossible sizes are named") {
  CHECK_ERROR(train::copy_task({.vocab = 1}), Error, "copy_task: vocab 1 and length 10 must be at least 2");
  CHECK_ERROR(train::copy_task({.length = 1}), Error, "copy_task: vocab 11 and length 1 must be at least 2");
}
