// The pictures of the book in docs/book, and the numbers that it quotes: from the shape of the model to a tree of
// beams.
//   example_12_book FOLDER    draws them there; without a folder, only the numbers are printed
#include <cmath>
#include <cstdio>
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "../picture.hpp"

using namespace gloss;
using namespace picture;
using std::cout;

namespace {

using D = Tensor<double>;
constexpr double up = 1.5707963267948966;
const char* const paper = "#f6f8fa";
const char* const tints[] = {"#d8ecee", "#fbe6cf", "#e4dcef", "#f6d8da", "#dcebd8"};

std::string number(double x, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}
/// 1234567 as 1,234,567.
std::string grouped(Index n) {
  const std::string digits = std::to_string(n);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

void box(Picture& p, double x, double y, double w, double h, const std::string& words, const char* fill) {
  p.rect(x, y, w, h, fill, 7);
  p.text(x + w / 2, y + h / 2 + 4.5, words, {.size = 13, .anchor = "middle"});
}
void label(Picture& p, double x, double y, const std::string& words, const char* anchor = "start") {
  p.text(x, y, words, {.color = grey, .anchor = anchor});
}
/// A line that bends once and ends in an arrow to the right or the left.
void around(Picture& p, std::vector<Point> points, double angle) {
  p.curve(points, grey, 1.6);
  p.arrow(points.back().x, points.back().y, 14, angle, grey, 1.6);
}

void model(const std::string& to) {
  Picture p(760, 500, "Encoder and decoder",
            "The source is read once, all words together; the target is said word by word");
  const double left = 90, right = 430, w = 220;
  const auto stack = [&](double x, const std::string& name, const char* fill, int parts, const std::string& inside) {
    for (int i = 5; i >= 1; --i) p.rect(x + 5.0 * i, 210 - 5.0 * i, w, 128, i % 2 ? "#e3e9ee" : "#eef2f5", 9);
    p.rect(x, 210, w, 128, "#ffffff", 9), p.rect(x, 210, w, 128, fill, 9);
    p.text(x + w / 2, 240, name, {.size = 15, .anchor = "middle", .bold = true});
    p.text(x + w / 2, 262, inside, {.anchor = "middle"});
    p.text(x + w / 2, 322, std::to_string(parts) + " sublayers; six layers", {.color = grey, .anchor = "middle"});
  };
  stack(left, "Encoder", tints[0], 2, "self-attention, feed-forward");
  stack(right, "Decoder", tints[1], 3, "self-attention, attention to");
  p.text(right + w / 2, 280, "the encoder's output, feed-forward", {.anchor = "middle"});
  for (const double x : {left, right}) {
    box(p, x, 378, w, 44, "embedding + position", paper);
    p.arrow(x + w / 2, 378, 38, up, grey, 1.6);
    p.arrow(x + w / 2, 452, 28, up, grey, 1.6);
  }
  label(p, left + w / 2, 472, "src: the words of the source", "middle");
  label(p, right + w / 2, 472, "tgt: what has been said so far", "middle");
  around(p, {{left + w / 2, 184}, {left + w / 2, 150}, {382, 150}, {382, 274}, {412, 274}}, 0);
  label(p, 372, 140, "memory", "end");
  p.arrow(right + w / 2, 184, 30, up, grey, 1.6);
  box(p, right, 106, w, 46, "generator: log-probabilities", tints[2]);
  p.arrow(right + w / 2, 106, 16, up, grey, 1.6);
  p.save(to + "/model.svg");
}

void sublayer(const std::string& to) {
  Picture p(860, 230, "One sublayer with its connection",
            "x + dropout(sublayer(norm(x))): what goes along the line above is x, unchanged");
  const char* const names[] = {"norm", "sublayer", "dropout"};
  label(p, 40, 174, "x");
  p.arrow(54, 170, 64, 0, grey, 1.6);
  for (int i = 0; i < 3; ++i) {
    box(p, 120 + 200.0 * i, 146, 140, 48, names[i], tints[i == 1 ? 1 : i == 0 ? 0 : 2]);
    p.arrow(262 + 200.0 * i, 170, 56, 0, grey, 1.6);
  }
  p.curve({{82, 170}, {82, 104}, {738, 104}, {738, 142}}, colors[0], 2.4);
  p.arrow(738, 138, 14, -up, colors[0], 2.4);
  p.ring(738, 170, 17);
  p.text(738, 176, "+", {.size = 18, .anchor = "middle"});
  p.arrow(757, 170, 50, 0, grey, 1.6);
  label(p, 814, 174, "y");
  p.save(to + "/sublayer.svg");
}

void layers(const std::string& to) {
  Picture p(760, 520, "A layer of each stack",
            "Every box is a sublayer with its norm before it and its addition after it");
  const double left = 70, right = 420, w = 250;
  const auto column = [&](double x, const std::string& name,
                          const std::vector<std::pair<std::string, const char*>>& boxes) {
    p.rect(x - 22, 100, w + 44, 360, paper, 10);
    p.text(x + w / 2, 128, name, {.size = 15, .anchor = "middle", .bold = true});
    double y = 440;
    p.arrow(x + w / 2, y + 38, 32, up, grey, 1.6);
    for (const auto& [words, fill] : boxes) {
      box(p, x, y - 50, w, 50, words, fill);
      p.arrow(x + w / 2, y - 50, 36, up, grey, 1.6);
      y -= 88;
    }
  };
  column(left, "EncoderLayer", {{"self-attention (src_mask)", tints[0]}, {"feed-forward", tints[2]}});
  column(right, "DecoderLayer",
         {{"self-attention (tgt_mask)", tints[0]},
          {"attention to memory (src_mask)", tints[1]},
          {"feed-forward", tints[2]}});
  p.curve({{left + w / 2, 226}, {left + w / 2, 160}, {362, 160}, {362, 327}, {404, 327}}, colors[1], 1.8);
  p.arrow(400, 327, 18, 0, colors[1], 1.8);
  p.text(352, 150, "memory, after all layers", {.color = colors[1], .anchor = "end"});
  label(p, left + w / 2, 498, "x", "middle");
  label(p, right + w / 2, 498, "x", "middle");
  p.save(to + "/layers.svg");
}

void mask(const std::string& to) {
  const Tensor<bool> allowed = transformer::subsequent_mask(8)[0];
  cout << "of 64 pairs of positions the mask of 8 allows " << sum(cast<std::int64_t>(allowed)) << "\n";
  if (to.empty()) return;
  Picture p(620, 470, "Who may look at whom", "subsequent_mask(8): the row looks, the column is looked at");
  const std::vector<std::string> words = {"<s>", "Die", "Datei", "kann", "nicht", "geöffnet", "werden", "."};
  for (int i = 0; i < 8; ++i) {
    p.text(160, 150 + 38.0 * i, words[static_cast<std::size_t>(i)], {.size = 13, .anchor = "end"});
    p.text(192 + 38.0 * i, 112, words[static_cast<std::size_t>(i)], {.size = 13, .turn = -35});
    for (int j = 0; j < 8; ++j)
      p.rect(171 + 38.0 * j, 127 + 38.0 * i, 36, 36, allowed.at({i, j}) ? colors[0] : "#e9eef1", 5);
  }
  p.rect(500, 132, 20, 20, colors[0], 4), label(p, 528, 147, "sees");
  p.rect(500, 162, 20, 20, "#e9eef1", 4), label(p, 528, 177, "does not");
  label(p, 171, 452, "All positions learn at once, and none has seen the word it is to say.");
  p.save(to + "/mask.svg");
}

void scale(const std::string& to) {
  manual_seed(3);
  Picture p(820, 350, "Why the scores are divided by the root of d_k",
            "Softmax of the scores of a random query with 12 random keys, for three widths");
  const Index widths[] = {4, 64, 512};
  for (int k = 0; k < 3; ++k) {
    const Index d = widths[k];
    const D q = randn<double>({1, d}), keys = randn<double>({12, d});
    const D scores = matmul(q, keys.transpose(0, 1))[0];
    const D plain = softmax(scores, -1), scaled = softmax(scores * (1 / std::sqrt(static_cast<double>(d))), -1);
    cout << "d_k " << d << ": largest of 12 weights " << number(amax(plain).item(), 3) << ", with the scores scaled "
         << number(amax(scaled).item(), 3) << "\n";
    const double x0 = 40 + 260.0 * k;
    p.text(x0, 104, "d_k = " + std::to_string(d), {.size = 14, .bold = true});
    for (int row = 0; row < 2; ++row) {
      const double y = 206 + 108.0 * row;
      p.line(x0, y, x0 + 216, y);
      for (int i = 0; i < 12; ++i) {
        const double h = 76 * (row == 0 ? plain : scaled).at({i});
        p.rect(x0 + 18.0 * i + 2, y - h, 14, h, row == 0 ? colors[1] : colors[0], 2);
      }
      label(p, x0, y + 16, row == 0 ? "q k" : "q k / sqrt(d_k)");
    }
  }
  if (!to.empty()) p.save(to + "/scale.svg");
}

void heads(const std::string& to) {
  Picture p(860, 330, "Heads",
            "d_model is cut into h parts of width d_k; each part attends by itself, then all are joined");
  const auto grid = [&](double x, double y, int rows, int columns, const char* fill) {
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < columns; ++c) p.rect(x + 13.0 * c, y + 13.0 * r, 12, 12, fill, 2);
  };
  for (int head = 0; head < 4; ++head) grid(40 + 39.0 * head, 180, 5, 3, colors[head]);
  label(p, 40, 170, "linears[0..2](x)"), label(p, 40, 264, "n words, d_model = h d_k");
  p.arrow(208, 212, 52, 0, grey, 1.6);
  for (int head = 0; head < 4; ++head) {
    const double y = 94 + 58.0 * head;
    grid(290, y - 6, 3, 3, colors[head]);
    p.arrow(338, y + 13, 34, 0, grey, 1.6);
    p.rect(378, y - 8, 172, 42, tints[head], 7);
    p.text(464, y + 17, "softmax(QK / sqrt(d_k)) V", {.anchor = "middle"});
    p.arrow(554, y + 13, 34, 0, grey, 1.6);
  }
  for (int head = 0; head < 4; ++head) grid(606 + 39.0 * head, 180, 5, 3, colors[head]);
  label(p, 606, 170, "joined"), label(p, 606, 264, "then linears[3]");
  p.save(to + "/heads.svg");
}

void feed_forward(const std::string& to) {
  Picture p(760, 330, "The same small network at every position",
            "d_model to d_ff, four times as wide, and back; no position sees another");
  const std::vector<std::string> words = {"The", "file", "cannot", "be", "opened"};
  for (int i = 0; i < 5; ++i) {
    const double x = 110 + 135.0 * i;
    p.text(x, 318, words[static_cast<std::size_t>(i)], {.size = 13, .anchor = "middle"});
    p.rect(x - 14, 278, 28, 16, tints[0], 4);
    p.curve({{x - 14, 278}, {x - 56, 214}}, "#d5dbe1", 1.3), p.curve({{x + 14, 278}, {x + 56, 214}}, "#d5dbe1", 1.3);
    p.rect(x - 56, 194, 112, 20, tints[1], 4);
    p.curve({{x - 56, 194}, {x - 14, 130}}, "#d5dbe1", 1.3), p.curve({{x + 56, 194}, {x + 14, 130}}, "#d5dbe1", 1.3);
    p.rect(x - 14, 114, 28, 16, tints[0], 4);
    p.text(x, 250, "w_1", {.color = grey, .anchor = "middle"}),
        p.text(x, 166, "w_2", {.color = grey, .anchor = "middle"});
    p.text(x, 208, "relu", {.size = 11, .color = grey, .anchor = "middle"});
  }
  p.save(to + "/feed_forward.svg");
}

void embeddings(const std::string& to) {
  Picture p(760, 330, "A row for each word",
            "The ids pick rows of one table; the same table, transposed, can score the words at the end");
  manual_seed(4);
  const D table = tanh(randn<double>({9, 12}));
  const Index ids[] = {6, 1, 6, 3};
  for (int i = 0; i < 4; ++i) {
    const double y = 138 + 42.0 * i;
    p.text(60, y + 16, "id " + std::to_string(ids[i]), {.size = 13, .anchor = "middle"});
    p.arrow(88, y + 11, 50, 0, grey, 1.6);
  }
  const auto row = [&](double x, double y, Index id) {
    for (int c = 0; c < 12; ++c) p.rect(x + 17.0 * c, y, 16, 16, train::heat_color(0.5 + 0.45 * table.at({id, c})), 2);
  };
  for (int r = 0; r < 9; ++r) {
    const double y = 112 + 21.0 * r;
    row(180, y, r);
    p.text(170, y + 12, std::to_string(r), {.size = 11, .color = grey, .anchor = "end"});
    if (r == 1 || r == 3 || r == 6) p.rect(176, y - 1, 3, 18, colors[1]);
  }
  label(p, 180, 320, "lut.weight [vocab, d_model]");
  p.arrow(400, 204, 70, 0, grey, 1.6);
  label(p, 435, 192, "sqrt(d_model)", "middle");
  for (int i = 0; i < 4; ++i) row(494, 138 + 42.0 * i, ids[i]);
  label(p, 494, 320, "[n, d_model]");
  p.save(to + "/embeddings.svg");
}

void parameters(const std::string& to) {
  const Index d = 512, ff = 2048, vocab = 37000;
  const transformer::MultiHeadedAttention<float> attention(8, d);
  const transformer::PositionwiseFeedForward<float> forward(d, ff);
  transformer::EncoderLayer<float> encoder(d, attention, forward, 0.1);
  transformer::DecoderLayer<float> decoder(d, attention, attention, forward, 0.1);
  const Index norm = 2 * d, words = vocab * d + vocab;  // the shared table and the generator's bias
  const std::vector<std::pair<std::string, Index>> parts = {{"words: one table for three", words},
                                                            {"encoder, 6 layers", 6 * encoder.num_parameters() + norm},
                                                            {"decoder, 6 layers", 6 * decoder.num_parameters() + norm}};
  Index total = 0;
  for (const auto& part : parts) total += part.second;
  cout << "an encoder layer has " << grouped(encoder.num_parameters()) << " parameters, a decoder layer "
       << grouped(decoder.num_parameters()) << "; the base model with 37,000 words " << grouped(total) << "\n";
  if (to.empty()) return;
  Picture p(760, 250, "Where the parameters are",
            "The base model, N = 6, d_model 512, d_ff 2048, with 37,000 shared subwords: " + grouped(total));
  for (int i = 0; i < 3; ++i) {
    const auto& [name, count] = parts[static_cast<std::size_t>(i)];
    const double y = 104 + 46.0 * i, w = 340 * static_cast<double>(count) / 26e6;
    p.text(218, y + 20, name, {.size = 13, .anchor = "end"});
    p.rect(232, y, w, 30, colors[i], 4);
    p.text(242 + w, y + 20, grouped(count), {.size = 13, .color = grey});
  }
  p.save(to + "/parameters.svg");
}

void batch(const std::string& to) {
  const Tensor<std::int64_t> src = {{1, 14, 5, 9, 2}, {1, 7, 3, 2, 0}}, tgt = {{1, 8, 21, 6, 2}, {1, 11, 2, 0, 0}};
  const train::Batch both(src, tgt, 0);
  cout << "two sentences padded to one length: " << both.ntokens << " target words count\n";
  if (to.empty()) return;
  Picture p(860, 380, "A batch of two sentences",
            "Ids with padding 0; what is pale is hidden by the masks. The decoder reads tgt and must say tgt_y");
  const auto ids = [&](double x, double y, const std::string& name, const Tensor<std::int64_t>& t) {
    p.text(x, y - 12, name, {.size = 13, .bold = true});
    for (int r = 0; r < 2; ++r)
      for (int c = 0; c < t.size(1); ++c) {
        const auto id = t.at({r, c});
        p.rect(x + 38.0 * c, y + 38.0 * r, 36, 36, id == 0 ? "#eef1f4" : tints[id < 3 ? 1 : 0], 5);
        p.text(x + 38.0 * c + 18, y + 38.0 * r + 23, std::to_string(id),
               {.size = 13, .color = id == 0 ? "#b4bec8" : ink, .anchor = "middle"});
      }
  };
  ids(40, 122, "src", src), ids(270, 122, "tgt", both.tgt), ids(462, 122, "tgt_y", both.tgt_y);
  const auto truth = [&](double x, double y, const std::string& name, const Tensor<bool>& t) {
    p.text(x, y - 12, name, {.size = 13, .bold = true});
    for (int r = 0; r < t.size(0); ++r)
      for (int c = 0; c < t.size(1); ++c)
        p.rect(x + 30.0 * c, y + 30.0 * r, 28, 28, t.at({r, c}) ? colors[0] : "#eef1f4", 4);
  };
  truth(40, 242, "src_mask", both.src_mask.squeeze(1));
  truth(270, 242, "tgt_mask of the first", both.tgt_mask[0]);
  truth(462, 242, "tgt_mask of the second", both.tgt_mask[1]);
  p.rect(660, 124, 18, 18, tints[1], 4), label(p, 686, 138, "start 1, end 2");
  p.rect(660, 152, 18, 18, tints[0], 4), label(p, 686, 166, "a word");
  p.rect(660, 180, 18, 18, "#eef1f4", 4), label(p, 686, 194, "padding");
  p.save(to + "/batch.svg");
}

void rate(const std::string& to) {
  struct Setting {
    Index d_model, warmup;
  };
  const Setting settings[] = {{512, 4000}, {512, 8000}, {256, 4000}};
  cout << "the rate is highest at step 4000: " << number(optim::rate(4000, 512, 1, 4000), 6) << "\n";
  if (to.empty()) return;
  Picture p(820, 380, "The learning rate",
            "Up in a straight line for warmup steps, then down with the root of the step");
  const double x0 = 84, y0 = 330, w = 540, h = 226;
  for (int i = 0; i <= 5; ++i) {
    p.line(x0, y0 - h * i / 5.0, x0 + w, y0 - h * i / 5.0, "#edf0f3");
    label(p, x0 - 10, y0 - h * i / 5.0 + 4, number(0.0002 * i, 4), "end");
    label(p, x0 + w * i / 5.0, y0 + 20, grouped(4000 * i), "middle");
  }
  for (int k = 0; k < 3; ++k) {
    const auto [d_model, warmup] = settings[k];
    std::vector<Point> points;
    for (Index step = 1; step <= 20000; step += 50)
      points.push_back(
          {x0 + w * static_cast<double>(step) / 20000, y0 - h * optim::rate(step, d_model, 1, warmup) / 0.001});
    p.curve(points, colors[k], 2.2);
    p.text(x0 + w + 16,
           y0 - h * optim::rate(20000, d_model, 1, warmup) / 0.001 +
               (k == 1   ? -2
                : k == 0 ? 14
                         : 4),
           "d_model " + std::to_string(d_model) + ", warmup " + grouped(warmup), {.color = colors[k]});
  }
  p.save(to + "/rate.svg");
}

void smoothing(const std::string& to) {
  // The smoothed targets are never formed; but they are the gradient, with its sign turned.
  const train::LabelSmoothing<double> criterion(6, 0, 0.4);
  D x = log(full<double>({4, 6}, 1.0 / 6)).requires_grad_();
  const Tensor<std::int64_t> y = {2, 1, 5, 0};
  criterion(x, y).backward();
  const D t = abs(x.grad());
  cout << "a target of 2 among 6 words, smoothed by 0.4: " << t[0] << "\n";
  Picture p(860, 350, "Label smoothing",
            "Left: the targets of four words (the last is padding). Right: the loss of a prediction that grows surer");
  for (int r = 0; r < 4; ++r) {
    p.text(66, 155 + 44.0 * r, r < 3 ? "word " + std::to_string(y.at({r})) : "padding",
           {.size = 12.5, .color = grey, .anchor = "end"});
    for (int c = 0; c < 6; ++c) p.cell(78 + 44.0 * c, 128 + 44.0 * r, 44, t.at({r, c}), number(t.at({r, c}), 1));
  }
  for (int c = 0; c < 6; ++c) label(p, 100 + 44.0 * c, 118, std::to_string(c), "middle");
  const double x0 = 440, y0 = 300, w = 300, h = 170;
  p.line(x0, y0, x0 + w, y0), p.line(x0, y0, x0, y0 - h);
  const double smooths[] = {0, 0.1, 0.4};
  for (int k = 0; k < 3; ++k) {
    const train::LabelSmoothing<double> loss(5, 0, smooths[k]);
    std::vector<Point> points;
    double least = 1e9, at = 0;
    for (int i = 0; i <= 240; ++i) {
      const double odds = std::exp(i / 30.0),
                   sum_of_all = odds + 3;  // the right word has odds : 1 against each of three
      const D q = log(D{{1e-12, 1 / sum_of_all, odds / sum_of_all, 1 / sum_of_all, 1 / sum_of_all}});
      const double l = loss(q, Tensor<std::int64_t>{2}).item();
      if (l < least - 1e-9) least = l, at = odds / sum_of_all;
      if (l < 2) points.push_back({x0 + w * i / 240.0, y0 - h * l / 2});
    }
    p.curve(points, colors[k], 2.2);
    p.text(x0 + w + 10, points.back().y + 4, "smoothing " + number(smooths[k], 1), {.color = colors[k]});
    if (k > 0)
      cout << "smoothing " << number(smooths[k], 1) << " is content with a probability of " << number(at, 2) << "\n";
  }
  label(p, x0, y0 + 20, "1 : 1"), label(p, x0 + w, y0 + 20, "3,000 : 1", "end");
  label(p, x0 + w / 2, y0 + 38, "odds for the right word", "middle");
  label(p, x0 - 8, y0 - h + 4, "2", "end"), label(p, x0 - 8, y0 + 4, "0", "end");
  if (!to.empty()) p.save(to + "/label_smoothing.svg");
}

void copy_task(const std::string& to) {
  manual_seed(1);
  const Index V = 11, d_model = 32;
  auto model =
      transformer::make_model<double>({.src_vocab = V, .tgt_vocab = V, .N = 2, .d_model = d_model, .d_ff = 64, .h = 2});
  optim::Adam<double> adam(model.parameters(), {.lr = 0.5, .betas = {0.9, 0.98}, .eps = 1e-9});
  optim::LambdaLR schedule(adam, [&](Index step) { return optim::rate(step, d_model, 1.0, 200); });
  const train::SimpleLossCompute loss_compute(model.generator, train::LabelSmoothing<double>(V, 0, 0.0));
  std::vector<double> losses;
  for (int epoch = 0; epoch < 20; ++epoch) {
    model.train();
    train::run_epoch(train::copy_task({.vocab = V, .batch_size = 48, .batches = 20}), model, loss_compute, adam,
                     schedule);
    model.eval();
    losses.push_back(
        train::evaluate(train::copy_task({.vocab = V, .batch_size = 48, .batches = 2}), model, loss_compute));
  }
  cout << "copying: loss per word after epoch 1 " << number(losses.front(), 1) << ", after epoch 20 "
       << (losses.back() < 0.02 ? "below 0.02" : "above 0.02") << "\n";
  NoGradGuard no_grad;
  const Tensor<std::int64_t> told = {{1, 7, 3, 9, 2, 5, 8, 4, 10, 6}};
  const train::Batch one(told, told, 0);
  D y = model.tgt_embed(one.tgt), weights;
  const D memory = model.encode(one.src, one.src_mask);
  for (const auto& layer : model.decoder.layers) y = layer(y, memory, one.src_mask, one.tgt_mask, &weights);
  const D looks = mean(weights[0], 0);  // of the last layer, over its heads
  const auto most = argmax(looks, -1);
  cout << "while it says word i + 1, the last layer looks most at " << most << "\n";
  if (to.empty()) return;
  Picture p(860, 410, "Learning to copy",
            "Left: the loss on new sentences. Right: where the last layer looks in the source while it says each word");
  const double x0 = 66, y0 = 350, w = 320, h = 230;
  for (int i = 0; i <= 2; ++i) {
    p.line(x0, y0 - h * i / 2.4, x0 + w, y0 - h * i / 2.4, "#e3e8ec");
    label(p, x0 - 10, y0 - h * i / 2.4 + 4, std::to_string(i), "end");
  }
  std::vector<Point> points;
  for (int i = 0; i < 20; ++i) {
    const double l =
        std::round(losses[static_cast<std::size_t>(i)] * 50) / 50;  // coarse: the last bits differ between processors
    points.push_back({x0 + w * (i + 1) / 20.0, y0 - h * l / 2.4});
  }
  p.curve(points, colors[0], 2.2);
  for (const Point& point : points) p.dot(point.x, point.y, 3, colors[0]);
  label(p, x0 + w / 20, y0 + 20, "epoch 1", "middle"), label(p, x0 + w, y0 + 20, "20", "middle");
  for (int r = 0; r < 9; ++r) {
    p.text(500, 147 + 27.0 * r, std::to_string(one.tgt_y.at({0, r})), {.size = 12, .anchor = "end"});
    for (int c = 0; c < 10; ++c) {
      const double weight = std::round(looks.at({r, c}) * 12) / 12;
      p.rect(510 + 27.0 * c, 130 + 27.0 * r, 25, 25, train::heat_color(weight), 3);
    }
  }
  for (int c = 0; c < 10; ++c)
    p.text(522 + 27.0 * c, 120, std::to_string(told.at({0, c})), {.size = 12, .anchor = "middle"});
  label(p, 510, 394, "columns: the source; rows: what is said");
  p.save(to + "/copy_task.svg");
}

void beams(const std::string& to) {
  // Two steps of a made-up model with three words. The likeliest first word does not begin the likeliest sentence.
  const std::vector<std::string> first = {"das", "die", "ein"};
  const double p1[] = {0.45, 0.40, 0.15}, p2[3][3] = {{0.40, 0.35, 0.25}, {0.80, 0.15, 0.05}, {0.50, 0.30, 0.20}};
  const std::vector<std::string> second[] = {
      {"Bild", "Feld", "Dokument"}, {"Datei", "Seite", "Zeile"}, {"Wort", "Satz", "Brief"}};
  cout << "greedy: das Bild " << number(p1[0] * p2[0][0], 2) << "; beam 2: die Datei " << number(p1[1] * p2[1][0], 2)
       << "\n";
  if (to.empty()) return;
  Picture p(800, 400, "Two beams",
            "Greedy search follows the likeliest word; with two beams a better sentence survives");
  box(p, 40, 218, 70, 36, "<s>", paper);
  for (int a = 0; a < 3; ++a) {
    const double y = 136 + 100.0 * a;
    const bool kept = a < 2;
    p.curve({{110, 236}, {230, y}}, kept ? colors[a == 1 ? 0 : 1] : "#d5dbe1", kept ? 2.6 : 1.4);
    box(p, 230, y - 18, 120, 36, first[static_cast<std::size_t>(a)] + "  " + number(p1[a], 2),
        kept ? tints[a == 1 ? 0 : 1] : paper);
    for (int b = 0; b < 3; ++b) {
      const double y2 = y + 31.0 * (b - 1);
      const bool wins = a == 1 && b == 0, greedy = a == 0 && b == 0;
      if (!kept) continue;
      p.curve({{350, y}, {480, y2}}, wins ? colors[0] : greedy ? colors[1] : "#d5dbe1", wins || greedy ? 2.6 : 1.4);
      p.rect(480, y2 - 13, 230, 26, wins ? tints[0] : greedy ? tints[1] : paper, 5);
      p.text(492, y2 + 4,
             second[a][static_cast<std::size_t>(b)] + "  " + number(p1[a], 2) + " x " + number(p2[a][b], 2) + " = " +
                 number(p1[a] * p2[a][b], 2),
             {.size = 12.5, .bold = wins});
    }
  }
  label(p, 372, 340, "dropped: with two beams the third prefix is not followed");
  p.text(720, 109, "greedy", {.color = colors[1]}), p.text(720, 209, "beam 2", {.color = colors[0]});
  p.save(to + "/beams.svg");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string to = argc > 1 ? argv[1] : "";
  if (!to.empty()) {
    model(to), sublayer(to), layers(to), heads(to), feed_forward(to), embeddings(to);
  }
  mask(to);
  scale(to);
  parameters(to);
  batch(to);
  rate(to);
  smoothing(to);
  copy_task(to);
  beams(to);
}
