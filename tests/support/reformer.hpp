// Reformers on long texts: what a training step takes, and a task that needs to look far back.
#pragma once

#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/models/reformer_heads.hpp>

namespace gloss_test {

inline gloss::models::ReformerConfig long_reformer(gloss::Index length) {
  return {.vocab_size = 16,
          .hidden_size = 64,
          .attention_head_size = 32,
          .num_attention_heads = 2,
          .feed_forward_size = 128,
          .attn_layers = {"lsh"},
          .local_attn_chunk_length = 32,
          .lsh_attn_chunk_length = 32,
          .num_hashes = 2,
          .axial_pos_shape = {2, length / 2},
          .axial_pos_embds_dim = {4, 60},
          .max_position_embeddings = length,
          .hidden_dropout_prob = 0,
          .local_attention_probs_dropout_prob = 0,
          .initializer_range = 0.1,
          .is_decoder = true};
}

/// The largest number of bytes that tensors have during a training step on one text.
inline std::size_t step_memory(const gloss::models::ReformerConfig& config, gloss::Index length) {
  gloss::models::ReformerModelWithLMHead<float> model(config);
  const auto ids = gloss::randint(0, config.vocab_size, {1, length});
  gloss::reset_peak_memory();
  const std::size_t before = gloss::memory_stats().in_use;
  model.loss(ids, ids).backward();
  return gloss::memory_stats().peak - before;
}

inline std::vector<std::size_t> memory_of_lengths(const std::vector<gloss::Index>& lengths) {
  std::vector<std::size_t> peaks;
  for (const gloss::Index length : lengths) {
    gloss::models::ReformerConfig c = long_reformer(length);
    c.attn_layers = {"local", "lsh", "local", "lsh"};
    peaks.push_back(step_memory(c, length));
  }
  return peaks;
}

/// Trains on texts w 0 w, where w is a random half of the positions, and says which part of the second w is right on
/// new ones.
inline double learn_to_copy(gloss::Index length, int steps) {
  using namespace gloss;
  Rng rng(1);
  const RngGuard guard(rng);
  const Index half = length / 2;
  models::ReformerModelWithLMHead<float> model(long_reformer(length));
  optim::Adam<float> adam(model.parameters(), {.lr = 5e-3});
  const auto text = [&] {
    const auto w = randint(1, 16, {4, half});
    return cat<std::int64_t>({w, zeros<std::int64_t>({4, 1}), w.narrow(1, 0, half - 1)}, 1);
  };
  for (int step = 0; step < steps; ++step) {
    const auto ids = text();
    auto labels = ids.clone();
    labels.narrow(1, 0, half + 1).fill_(-100);
    model.loss(ids, labels).backward();
    adam.step();
    adam.zero_grad();
  }
  model.eval();
  const NoGradGuard no_grad;
  const auto ids = text();
  const auto said = argmax(model(ids), -1).narrow(1, half, half - 1);
  return static_cast<double>(mean(cast<float>(said == ids.narrow(1, half + 1, half - 1))).item());
}

}  // namespace gloss_test
