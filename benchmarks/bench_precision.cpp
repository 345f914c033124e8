// Products, training steps and decoding in bfloat16 and with weights of few bits beside those in float, call by call in
// turn, so that a machine that is shared slows all alike.
//   bench_precision [seconds for each case] [part of a case's name]
//   bench_precision --ask CASE     for each way that a line of standard input names, its milliseconds, once
//                                  (benchmarks/peers/precision.py)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <gloss/core/clock.hpp>
#include <gloss/decode/beam.hpp>
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/decode/greedy.hpp>
#include <gloss/kernels/simd/simd.hpp>
#include <gloss/nn/cache_precision.hpp>
#include <gloss/nn/quantize.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/matmul_precision.hpp>
#include <gloss/ops/saved_precision.hpp>

#include "train_step.hpp"

using namespace gloss;

namespace {

double seconds = 1;
std::string wanted, asked;

bool is_wanted(const std::string& name) {
  return asked.empty() ? name.find(wanted) != std::string::npos : name == asked;
}

struct Way {
  const char* name;
  std::function<void()> call;
  double work = 0;  // of one call, where it is not that of the others
};

void answer(const std::vector<Way>& ways) {
  std::printf("ready");
  for (const Way& way : ways) std::printf(" %s", way.name);
  std::printf("\n");
  std::fflush(stdout);
  for (char line[64]; std::fgets(line, sizeof line, stdin);) {
    line[std::strcspn(line, "\n")] = 0;
    for (const Way& way : ways) {
      if (std::strcmp(line, way.name) != 0) continue;
      const double begin = monotonic_seconds();
      way.call();
      std::printf("%.4f\n", 1e3 * (monotonic_seconds() - begin));
      std::fflush(stdout);
    }
  }
}

/// Median milliseconds of each way; behind the first the factor by which others are faster, and what `work` in one call
/// makes a second.
void compare(const std::string& name, double work, const char* unit, const std::vector<Way>& ways) {
  if (!is_wanted(name)) return;
  if (!asked.empty()) return answer(ways);
  std::vector<std::vector<double>> times(ways.size());
  const double end = monotonic_seconds() + seconds;
  for (int round = 0; round < 6 || monotonic_seconds() < end; ++round)
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const double begin = monotonic_seconds();
      ways[i].call();
      if (round > 0) times[i].push_back(monotonic_seconds() - begin);
    }
  std::printf("%-40s", name.c_str());
  double first = 0;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    std::vector<double>& t = times[i];
    std::nth_element(t.begin(), t.begin() + static_cast<std::ptrdiff_t>(t.size() / 2), t.end());
    const double median = t[t.size() / 2];
    std::printf("  %s %.4g ms", ways[i].name, median * 1e3);
    if (i == 0)
      first = median;
    else
      std::printf(" x%.2f", first / median);
    const double done = work > 0 ? work : ways[i].work;
    if (done > 0) std::printf(" %.1f %s", done / median, unit);
  }
  std::printf("\n");
  std::fflush(stdout);
}

Way in_bfloat16(const std::function<void()>& call) {
  return {"bfloat16", [call] {
            const MatmulPrecisionGuard guard(MatmulPrecision::bfloat16);
            call();
          }};
}

/// A layer's product and its two gradients.
void layer(const std::string& title, Index rows, Index in, Index out) {
  const std::string name = title + "/" + std::to_string(rows) + "x" + std::to_string(in) + "to" + std::to_string(out);
  const Tensor<float> x = randn<float>({rows, in}), g = randn<float>({rows, out});
  const nn::Linear<float> whole(in, out);
  nn::Linear<float> packed = whole, panels = whole;
  nn::quantize(packed);
  nn::quantize(panels, {.weights = nn::WeightFormat::float32});
  const double work = 2e-9 * static_cast<double>(rows * out * in);
  const NoGradGuard no_grad;
  const auto forward = [&] { whole(x); };
  std::vector<Way> ways = {{"float", forward}, {"panels", [&] { panels(x); }}, {"int8", [&] { packed(x); }}};
  const bool is_decoding = title == "decoding";
  if (!is_decoding) ways.push_back(in_bfloat16(forward));
  compare(name + "/forward", work, "Gop/s", ways);
  if (is_decoding) return;  // without gradients
  const auto of_input = [&] { matmul(g, whole.weight); };
  const auto of_weight = [&] { matmul(g.t(), x); };
  compare(name + "/input_gradient", work, "Gop/s", {{"float", of_input}, in_bfloat16(of_input)});
  compare(name + "/weight_gradient", work, "Gop/s", {{"float", of_weight}, in_bfloat16(of_weight)});
}

/// Reads all numbers once: what memory gives one thread.
float read_all(const Tensor<float>& x) {
  using V = kernels::Vec<float>;
  constexpr Index w = kernels::lanes<float>;
  const float* const p = x.data();
  V s[4] = {};
  for (Index i = 0; i + 4 * w <= x.numel(); i += 4 * w)
    for (int j = 0; j < 4; ++j) s[j] = s[j] + kernels::load<float>(p + i + j * w);
  return kernels::hsum<float>(s[0] + s[1] + (s[2] + s[3]));
}

/// A layer's product in float and with weights of fewer bits, by the bytes of weights that are read; for one row beside
/// what one thread reads of as many numbers, and of a quarter as many.
void weights(Index rows) {
  constexpr Index size = 2048;
  const Tensor<float> x = randn<float>({rows, size});
  const nn::Linear<float> whole(size, size, {.bias = false});
  nn::Linear<float> bytes = whole, q8_0 = whole, q4_0 = whole, halves = whole, panels = whole;
  const auto pack = [](nn::Linear<float>& layer, nn::WeightFormat format) {
    return static_cast<double>(nn::quantize(layer, {.weights = format}).bytes_after) * 1e-9;
  };
  const NoGradGuard no_grad;
  const Tensor<float> numbers = randn<float>({size * size}), few = numbers.narrow(0, 0, size * size / 4).clone();
  volatile float sink = 0;
  std::vector<Way> ways = {
      {"float", [&] { whole(x); }, 4e-9 * size * size},
      {"panels", [&] { panels(x); }, pack(panels, nn::WeightFormat::float32)},
      {"bfloat16", [&] { halves(x); }, pack(halves, nn::WeightFormat::bfloat16)},
      {"int8", [&] { bytes(x); }, pack(bytes, nn::WeightFormat::int8)},
      {"q8_0", [&] { q8_0(x); }, pack(q8_0, nn::WeightFormat::int8_blocks)},
      {"q4_0", [&] { q4_0(x); }, pack(q4_0, nn::WeightFormat::int4)},
  };
  if (rows == 1) {
    ways.push_back({"read", [&] { sink = read_all(numbers); }, 4e-9 * size * size});
    ways.push_back({"read_a_quarter", [&] { sink = read_all(few); }, 1e-9 * size * size});
  }
  const std::string name = "weights/" + std::to_string(rows) + "x2048to2048";
  compare(name, rows > 1 ? 2e-9 * static_cast<double>(rows) * size * size : 0, rows > 1 ? "Gop/s" : "GB/s", ways);
}

/// A training step in float and in bfloat16.
void train_step(const bench::Case& c) {
  if (!is_wanted(std::string("train_step/") + c.name)) return;
  Rng rng(1);
  const RngGuard use(rng);
  bench::Trainer trainer(c);
  const auto step = [&] { trainer.step(); };
  const auto keeping = [&] {
    const SavedPrecisionGuard guard(SavedPrecision::bfloat16);
    step();
  };
  Way both = in_bfloat16(keeping);
  both.name = "both";
  compare(std::string("train_step/") + c.name, 0, "",
          {{"float", step}, in_bfloat16(step), {"keeping_bfloat16", keeping}, both});
}

/// Attention of 4 sentences with 8 heads of width 64, forward and with its backward.
void attention(Index length) {
  const std::string name = "attention/" + std::to_string(length);
  const auto make = [&] { return randn<float>({4, 8, length, 64}).requires_grad_(); };
  const Tensor<float> q = make(), k = make(), v = make(), g = randn<float>({4, 8, length, 64});
  const auto forward = [&] {
    const NoGradGuard no_grad;
    scaled_dot_product_attention(q, k, v);
  };
  const auto training = [&] { scaled_dot_product_attention(q, k, v).backward(g); };
  const double work = 2e-9 * 4 * 8 * 64 * static_cast<double>(length * length);
  compare(name + "/forward", 2 * work, "GFLOP/s", {{"float", forward}, in_bfloat16(forward)});
  compare(name + "/training", 7 * work, "GFLOP/s", {{"float", training}, in_bfloat16(training)});
}

/// Decoding by the base model, untrained: 20 tokens for each of `batch` sources of 20.
void decoding(Index batch, Index beams) {
  const std::string name = "decode/" + std::string(beams > 1 ? "beam" : "greedy") + "/batch:" + std::to_string(batch);
  if (!is_wanted(name)) return;
  constexpr Index vocab = 8000, length = 20, tokens = 20;
  Rng rng(1);
  const RngGuard use(rng);
  using Model = transformer::EncoderDecoder<float>;
  Model whole =
      transformer::make_model<float>({.src_vocab = vocab, .tgt_vocab = vocab, .N = 6, .d_model = 512, .d_ff = 2048});
  whole.eval();
  Model panels = whole, halves = whole, bytes = whole;
  nn::quantize(panels, {.weights = nn::WeightFormat::float32});
  nn::quantize(halves, {.weights = nn::WeightFormat::bfloat16});
  nn::quantize(bytes);
  const Tensor<std::int64_t> source = randint(3, vocab, {batch, length});
  const Tensor<bool> mask = (source != 2).unsqueeze(-2);
  const auto decode_by = [&](const Model& model) {
    if (beams > 1)
      decode::beam_search(model, source, mask, {.start = 0, .end = -1, .max_len = tokens, .beam = beams});
    else
      decode::greedy_search(model, source, mask, {.start = 0, .end = -1, .max_len = tokens});
  };
  compare(name, static_cast<double>(batch * tokens), "tokens/s",
          {{"float", [&] { decode_by(whole); }},
           {"panels", [&] { decode_by(panels); }},
           {"bfloat16", [&] { decode_by(halves); }},
           {"int8", [&] { decode_by(bytes); }},
           {"int8_and_cache", [&] {
              const nn::CachePrecisionGuard guard(nn::CachePrecision::bfloat16);
              decode_by(bytes);
            }}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::strcmp(argv[1], "--ask") == 0) {
    asked = argv[2];
  } else {
    if (argc > 1) seconds = std::atof(argv[1]);
    if (argc > 2) wanted = argv[2];
  }
  if (asked.empty())
    std::printf("%d threads; fast instructions for bfloat16: %s, for bytes: %s\n", num_threads(),
                has_fast_bfloat16() ? "yes" : "no", kernels::detail::has_int8_tiles() ? "yes" : "no");
  layer("large", 512, 512, 2048);
  layer("projection", 512, 512, 512);
  layer("feed_forward_2", 512, 2048, 512);
  layer("generator", 512, 512, 8000);
  layer("toy", 512, 128, 128);
  layer("toy_feed_forward_1", 512, 128, 512);
  layer("toy_feed_forward_2", 512, 512, 128);
  layer("toy_generator", 512, 128, 1000);
  for (const Index rows : {1, 16, 256}) weights(rows);
  for (const Index rows : {1, 4, 16, 64, 256}) {
    layer("decoding", rows, 512, 512);
    layer("decoding", rows, 512, 2048);
    layer("decoding", rows, 2048, 512);
    layer("decoding", rows, 512, 8000);
  }
  for (const Index length : {32, 128, 512, 1024}) attention(length);
  for (const bench::Case& c : bench::cases) train_step(c);
  for (const Index batch : {1, 16, 64}) decoding(batch, 1);
  for (const Index batch : {1, 16}) decoding(batch, 4);
}
