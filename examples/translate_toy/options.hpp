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
  std::int64_t epochs = 20, batch_tokens = 1024, pool = 0;
  std::int64_t vocab = 3000, d_model = 128, layers = 2, heads = 4, d_ff = 512;
  double dropout = 0.05, smoothing = 0.1, embedding_std = 0;
  double lr_factor = 0.5, clip_norm = 1, ema = 0.998;
  std::int64_t warmup = 400;
  std::string schedule = "linear";  // after the warm-up: "linear" to 0 at the end, or the paper's "noam"
  std::string precision = "float";  // of products, or "bfloat16"
  std::int64_t max_len = 40, held_out = 500, held_out_words = 8;
  std::uint64_t seed = 1;
};

/// Calls f(name, value, what it is, least, most) for each number with a range: options of train, with - for _, and what
/// a checkpoint keeps.
template <class F>
void for_each_number(TrainSettings& s, F f) {
  f("epochs", s.epochs, "Passes over the data", 1, 100000);
  f("batch_tokens", s.batch_tokens, "Tokens in a batch, padding counted", 16, 1000000);
  f("pool", s.pool, "Random pairs that are put in batches of like length together; 0: all", 0, 1000000000);
  f("vocab", s.vocab, "Subwords, shared by both languages", 259, 100000);
  f("d_model", s.d_model, "Width of the model", 1, 8192);
  f("layers", s.layers, "Encoder and decoder layers each (the paper's N)", 1, 64);
  f("heads", s.heads, "Attention heads (the paper's h); must divide the width", 1, 256);
  f("d_ff", s.d_ff, "Width of the feed-forward layers", 1, 65536);
  f("dropout", s.dropout, "Dropout rate", 0.0, 0.9);
  f("smoothing", s.smoothing, "Label smoothing", 0.0, 0.9);
  f("embedding_std", s.embedding_std, "Deviation of the first embeddings; 0: drawn by Xavier's rule", 0.0, 10.0);
  f("lr_factor", s.lr_factor, "Factor on the Noam learning rate", 1e-300, 1e300);
  f("warmup", s.warmup, "Steps of warm-up", 1, 1000000);
  f("clip_norm", s.clip_norm, "Longest gradient; 0: any", 0.0, 1e9);
  f("ema", s.ema, "Decay of the averaged weights, which are measured and translate; 0: the last ones", 0.0, 0.999999);
  f("max_len", s.max_len, "Pairs with more subwords on a side are left out of training", 4, 500);
  f("held_out", s.held_out, "Pairs kept unseen to measure with", 1, 100000);
  f("held_out_words", s.held_out_words, "Most words on the source side of those; 0: any number", 0, 1000);
}
struct SearchSettings {
  std::string checkpoint = "translate_toy.safetensors";
  std::int64_t beam = 4;  // 1: greedy
  double length_penalty = 1.0;
  std::int64_t n_best = 1;
  std::string weights = "float";  // or "panels", "bfloat16", "int8"
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
