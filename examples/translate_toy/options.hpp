// What the command line can ask for. Plain data, so that the parser's source need not include the library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct TrainSettings {
  std::string data;  // empty: the embedded strings
  std::string checkpoint = "translate_toy.safetensors";
  bool resume = false;
  bool force = false;  // begin anew although the checkpoint exists
  std::int64_t epochs = 20;
  std::int64_t batch_tokens = 1024;
  std::int64_t vocab = 3000;
  std::int64_t d_model = 128;
  std::int64_t layers = 2;
  std::int64_t heads = 4;
  std::int64_t d_ff = 512;
  double dropout = 0;
  double smoothing = 0.1;
  double lr_factor = 0.5;
  std::int64_t warmup = 400;
  std::string schedule = "linear";  // after the warm-up: "linear" to 0 at the end, or the paper's "noam"
  std::int64_t max_len = 40;        // longer pairs are left out of training
  std::int64_t held_out = 500;
  std::int64_t held_out_words = 8;
  std::uint64_t seed = 1;
};

struct SearchSettings {
  std::string checkpoint = "translate_toy.safetensors";
  std::int64_t beam = 4;  // 1: greedy
  double length_penalty = 1.0;
  std::int64_t n_best = 1;
};

struct TranslateSettings : SearchSettings {
  std::vector<std::string> sentences;  // none: read standard input line by line
  std::string attention;               // an SVG file for the attention of the first sentence
};

struct EvalSettings : SearchSettings {
  std::string data;
};

/// Each runs one command and returns the exit status. Errors are exceptions.
int run_train(TrainSettings settings);
int run_translate(TranslateSettings settings);
int run_eval(EvalSettings settings);
