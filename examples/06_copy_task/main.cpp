// The copy task of the Annotated Transformer: a whole encoder-decoder learns to say what it was told.
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>

using namespace gloss;

int main() {
  manual_seed(1);  // weights, data and dropout all draw from this stream
  const Index V = 11, d_model = 32, warmup = 200;  // words 1 to 10; 0 is padding
  auto model =
      transformer::make_model<double>({.src_vocab = V, .tgt_vocab = V, .N = 2, .d_model = d_model, .d_ff = 64, .h = 2});
  std::cout << "a Transformer of " << model.num_parameters() << " numbers in " << model.parameters().size()
            << " tensors\n";

  // Adam as in the paper. Its learning rate grows for `warmup` steps and then falls with the square root of the step.
  optim::Adam<double> adam(model.parameters(), {.lr = 0.5, .betas = {0.9, 0.98}, .eps = 1e-9});
  optim::LambdaLR schedule(adam, [&](Index step) { return optim::rate(step, d_model, 1.0, warmup); });
  const train::SimpleLossCompute loss_compute(model.generator, train::LabelSmoothing<double>(V, 0, 0.0));

  // An epoch is 20 batches of 48 random sentences of 10 words; then the loss is measured on 5 new ones.
  for (int epoch = 1; epoch <= 25; ++epoch) {
    model.train();
    train::run_epoch(train::copy_task({.vocab = V, .batch_size = 48, .batches = 20}), model, loss_compute, adam,
                     schedule);
    model.eval();
    const double loss =
        train::evaluate(train::copy_task({.vocab = V, .batch_size = 48, .batches = 5}), model, loss_compute);
    if (epoch % 5 == 0) std::cout << "epoch " << epoch << ": loss per word " << scalar<double>(loss) << "\n";
  }

  // Greedy decoding starts from the word 1 and adds the likeliest next word, nine times.
  const Tensor<std::int64_t> src = arange<std::int64_t>(1, 11).view({1, 10});
  const Tensor<bool> src_mask = ones<bool>({1, 1, 10});
  std::cout << "told: " << src << "\nsaid: " << decode::greedy_decode(model, src, src_mask, 10, 1) << "\n";

  const train::Batch unseen = train::copy_task({.vocab = V, .batch_size = 100, .batches = 1})[0];
  const Tensor<std::int64_t> said = decode::greedy_decode(model, unseen.src, unseen.src_mask, 10, 1);
  const Tensor<bool> exact = min(cast<std::int64_t>(said == unseen.src), 1).values == 1;
  std::cout << sum(cast<std::int64_t>(exact)) << " of 100 random sentences are copied without a mistake\n";
}
