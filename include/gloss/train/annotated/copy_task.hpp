// AT's "data_gen": random sequences to be copied, the smallest task that needs all of the model.
#pragma once

#include <vector>

#include <gloss/train/annotated/batch.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct CopyTaskOptions {
  Index vocab = 11;  // ids 1 .. vocab - 1; 0 is padding
  Index batch_size = 80;
  Index batches = 20;
  Index length = 10;
};

/// Batches whose target is their source; every sequence starts with 1. Draws from the current Rng. AT: data_gen
/// Errors: Error for a vocabulary below 2 or a length below 2.
GLOSS_LAZY std::vector<Batch> copy_task(const CopyTaskOptions& options = {}) {
  if (options.vocab < 2 || options.length < 2)
    fail("copy_task: vocab ", options.vocab, " and length ", options.length, " must be at least 2");
  std::vector<Batch> out;
  for (Index b = 0; b < options.batches; ++b) {
    Tensor<std::int64_t> data = randint<std::int64_t>(1, options.vocab, {options.batch_size, options.length});
    data.select(1, 0).fill_(1);
    out.emplace_back(data, data, 0);
  }
  return out;
}

}  // namespace gloss::inline GLOSS_ABI::train
