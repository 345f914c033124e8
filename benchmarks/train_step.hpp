// The training step that bench_train_step times and bench_memory weighs, at the sizes of
// benchmarks/peers/train_step.py.
#pragma once

#include <gloss/optim/adam.hpp>
#include <gloss/train/annotated/batch.hpp>
#include <gloss/train/annotated/label_smoothing.hpp>
#include <gloss/train/annotated/loss_compute.hpp>
#include <gloss/transformer/make_model.hpp>

namespace bench {

using namespace gloss;

struct Case {
  const char* name;
  Index vocab, d_model, N, h, d_ff, batch, length;
};
inline constexpr Case cases[] = {{"base", 8000, 512, 6, 8, 2048, 16, 32}, {"toy", 1000, 128, 2, 4, 512, 32, 16}};
inline constexpr std::int64_t pad = 2;
inline constexpr double smoothing = 0.1;

/// A model, a batch of random ids without padding, and an optimizer.
class Trainer {
 public:
  explicit Trainer(const Case& c, double dropout = 0.1)
      : model_(transformer::make_model<float>({.src_vocab = c.vocab,
                                               .tgt_vocab = c.vocab,
                                               .N = c.N,
                                               .d_model = c.d_model,
                                               .d_ff = c.d_ff,
                                               .h = c.h,
                                               .dropout = dropout,
                                               .attention_dropout = dropout})),
        batch_(randint(3, c.vocab, {c.batch, c.length}), randint(3, c.vocab, {c.batch, c.length + 1}), pad),
        compute_(model_.generator, train::LabelSmoothing<float>(c.vocab, pad, smoothing)),
        adam_(model_.parameters(), {.lr = 1e-4, .betas = {0.9, 0.98}, .eps = 1e-9}) {}

  double step() {
    const auto out = model_(batch_.src, batch_.tgt, batch_.src_mask, batch_.tgt_mask);
    const auto loss = compute_(out, batch_.tgt_y, static_cast<double>(batch_.ntokens));
    loss.node.backward();
    adam_.step();
    adam_.zero_grad();
    return loss.total / static_cast<double>(batch_.ntokens);
  }

  Index num_parameters() const { return model_.num_parameters(); }

 private:
  transformer::EncoderDecoder<float> model_;
  train::Batch batch_;
  train::SimpleLossCompute<transformer::Generator<float>, train::LabelSmoothing<float>> compute_;
  optim::Adam<float> adam_;
};

}  // namespace bench
