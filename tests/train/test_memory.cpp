// What a training asks of the system for its tensors: nothing, once it is warm.
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/train/annotated/batch.hpp>
#include <gloss/train/annotated/label_smoothing.hpp>
#include <gloss/train/annotated/loss_compute.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"

using namespace gloss;

namespace {

// Under AddressSanitizer every block is asked for anew.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool blocks_are_kept = false;
#else
constexpr bool blocks_are_kept = true;
#endif

transformer::EncoderDecoder<float> small_model() {
  return transformer::make_model<float>(
      {.src_vocab = 90, .tgt_vocab = 110, .N = 2, .d_model = 32, .d_ff = 64, .h = 4, .max_len = 64});
}

}  // namespace

TEST_CASE("memory: after the second step of a training the pool asks the system for nothing") {
  Rng rng(3);
  const RngGuard use(rng);
  auto model = small_model();
  optim::Adam<float> adam(model.parameters(), {.lr = 1e-3});
  const train::SimpleLossCompute compute(model.generator, train::LabelSmoothing<float>(110, 2, 0.1));
  const train::Batch batch(randint(3, 90, {6, 9}), randint(3, 110, {6, 12}));
  std::size_t asked = 0, peak = 0;
  for (int step = 1; step <= 5; ++step) {
    reset_peak_memory();
    const auto loss = compute(model(batch.src, batch.tgt, batch.src_mask, batch.tgt_mask), batch.tgt_y,
                              static_cast<double>(batch.ntokens));
    loss.node.backward();
    adam.step();
    adam.zero_grad();
    INFO("step " << step);
    if (step > 2) {
      if (blocks_are_kept) CHECK(memory_stats().requests == asked);
      CHECK(memory_stats().peak == peak);
    }
    asked = memory_stats().requests, peak = memory_stats().peak;
  }
}

TEST_CASE("memory: decoding a second batch of the same size asks the system for nothing") {
  auto model = small_model();
  model.eval();
  const Tensor<std::int64_t> src = randint(3, 90, {4, 9});
  const auto decode = [&] {
    return decode::greedy_search(model, src, full<bool>({4, 1, 9}, true), {.start = 0, .end = -1, .max_len = 20});
  };
  const auto first = decode();
  const std::size_t asked = memory_stats().requests;
  CHECK(decode()[3].tokens == first[3].tokens);
  if (blocks_are_kept) CHECK(memory_stats().requests == asked);
}
