// Models for long texts: one that reads piece by piece and remembers, and one that reads all at once in little memory.
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <gloss/models/reformer_heads.hpp>
#include <gloss/models/transformer_xl.hpp>
#include <iostream>

using namespace gloss;

/// Texts that say the same 12 random words again and again.
Tensor<std::int64_t> refrains(Index rows, Index n) {
  const Tensor<std::int64_t> refrain = randint(0, 16, {rows, 12});
  return cat(std::vector<Tensor<std::int64_t>>(static_cast<std::size_t>(n / 12 + 1), refrain), 1).narrow(1, 0, n);
}

/// What the tensors of a training step take at most, in bytes.
double memory_of_step(Index length) {
  models::ReformerModelWithLMHead<float> reformer({.vocab_size = 16,
                                                   .hidden_size = 32,
                                                   .attention_head_size = 16,
                                                   .num_attention_heads = 2,
                                                   .feed_forward_size = 64,
                                                   .axial_pos_shape = {length / 64, 64},
                                                   .axial_pos_embds_dim = {8, 24},
                                                   .is_decoder = true});
  const Tensor<std::int64_t> text = refrains(1, length);
  reset_peak_memory();
  reformer.loss(text, text).backward();
  return static_cast<double>(memory_stats().peak);
}

int main() {
  manual_seed(3);
  // Transformer-XL sees 4 words at a time, and what it remembers of those before.
  models::TransfoXLLMHeadModel<float> xl({.vocab_size = 16,
                                          .cutoffs = std::vector<Index>{},
                                          .d_model = 32,
                                          .d_embed = 32,
                                          .n_head = 2,
                                          .d_head = 16,
                                          .d_inner = 64,
                                          .div_val = 1,
                                          .n_layer = 2,
                                          .mem_len = 16,
                                          .dropout = 0});
  optim::Adam<float> adam(xl.parameters(), {.lr = 3e-3});
  for (int step = 0; step < 60; ++step) {
    const Tensor<std::int64_t> texts = refrains(32, 36);
    models::TransfoXLMemory<float> memory;
    for (Index at = 0; at + 5 <= 36; at += 4) {
      const Tensor<float> read = xl.transformer(texts.narrow(1, at, 4), &memory);
      const Tensor<float> loss = xl.crit.loss(read.flatten(0, 1), texts.narrow(1, at + 1, 4).flatten());
      if (at < 12) continue;  // nobody knows yet what the refrain is
      loss.backward();
      adam.step();
      adam.zero_grad();
    }
  }
  xl.eval();
  const Tensor<std::int64_t> text = refrains(1, 48);
  decode::CausalStepper stepper(xl);
  Index at = 24, right = 0;
  for (const std::int64_t word :
       decode::generate(stepper, text.narrow(1, 0, at), {.end = -1, .max_len = 24, .temperature = 0}))
    right += word == text.at({0, at++});
  std::cout << "of 24 words of a refrain that it heard twice it says " << right << " right\n";

  // A Reformer takes the whole text, and memory that grows with its length and no faster.
  std::cout << "four times the text takes more than four times the memory: "
            << (memory_of_step(4096) > 4 * memory_of_step(1024) ? "yes" : "no") << "\n";
}
