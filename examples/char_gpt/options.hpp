// What the command line can ask for. Plain data, so that the parser's source need not include the library.
#pragma once

#include <cstdint>
#include <string>

struct TrainSettings {
  std::string data, checkpoint = "char_gpt.safetensors";
  bool resume = false, force = false;  // force: begin anew although the checkpoint exists
  std::int64_t steps = 2000, batch = 16, context = 128, width = 128, layers = 4, heads = 4, warmup = 100;
  std::int64_t eval_every = 200, seed = 1;
  double dropout = 0.1, lr = 2e-3, weight_decay = 0.1, held_out = 0.1;
  std::string precision = "float";  // of products, or "bfloat16"
};

/// Calls f(name, value, what it is, least, most) for each number: options of train, and what a checkpoint keeps.
template <class F>
void for_each_number(TrainSettings& s, F f) {
  f("steps", s.steps, "Optimizer steps", 1, 100000000);
  f("batch", s.batch, "Pieces of the text in a step", 1, 65536);
  f("context", s.context, "Characters that the model sees", 2, 65536);
  f("width", s.width, "Width of the model", 1, 8192);
  f("layers", s.layers, "Layers", 1, 64);
  f("heads", s.heads, "Attention heads; must divide the width", 1, 256);
  f("dropout", s.dropout, "Dropout rate", 0.0, 0.9);
  f("lr", s.lr, "Highest learning rate", 1e-9, 1e9);
  f("warmup", s.warmup, "Steps of warm-up; then half a cosine, down to a tenth of the rate", 0, 1000000);
  f("weight-decay", s.weight_decay, "Weight decay of matrices", 0.0, 1e6);
  f("held-out", s.held_out, "Share of the text, at its end, to measure with", 0.0, 0.9);
  f("eval-every", s.eval_every, "Steps from one measurement to the next; each is followed by a save", 1, 100000000);
  f("seed", s.seed, "Seed of everything random", 0, 2147483647);
}

struct SampleSettings {
  std::string checkpoint = "char_gpt.safetensors", prompt = "\n", weights = "float", cache = "float";
  std::int64_t length = 400, top_k = 0, no_repeat_ngram = 0, beam = 1, seed = 1;
  double temperature = 0.8, top_p = 1, min_p = 0, repetition_penalty = 1, frequency_penalty = 0;
};

/// Each runs one command and returns the exit status. Errors are exceptions.
int run_train(TrainSettings settings);
int run_sample(const SampleSettings& settings);
