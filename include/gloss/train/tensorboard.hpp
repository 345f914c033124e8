// TensorBoard's event files: scalars, histograms, images and texts of a run.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/append_file.hpp>
#include <gloss/io/protobuf.hpp>
#include <gloss/io/tf_record.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/text/utf8.hpp>
#include <gloss/train/event.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct TensorBoardOptions {
  bool resume = false;  ///< what earlier files have from this run's first step on is not shown any more
  std::function<double()> seconds = {};  ///< since 1970, instead of the system's clock
};

namespace detail {

/// TensorFlow's histogram: buckets that grow by a tenth, from 1e-12 to 1e20, and the same below zero.
struct Histogram {
  double min = 0, max = 0, sum = 0, sum_squares = 0;
  Index count = 0;                      // of finite numbers; others are left out
  std::vector<double> limits, buckets;  // the upper end of each, and how many are in it

  explicit Histogram(const Tensor<double>& values) {
    static const std::vector<double> edges = make_edges();
    std::vector<double> counts(edges.size() - 1);
    std::size_t first = counts.size(), last = 0;
    for (Index i = 0; i < values.numel(); ++i) {
      const double x = values.data()[i];
      if (!std::isfinite(x)) continue;
      min = count == 0 ? x : (std::min)(min, x);
      max = count == 0 ? x : (std::max)(max, x);
      sum += x, sum_squares += x * x, ++count;
      const auto above = std::upper_bound(edges.begin() + 1, edges.end() - 1, x);  // beyond the ends: in the last one
      const auto bucket = static_cast<std::size_t>(above - edges.begin()) - 1;
      ++counts[bucket];
      first = (std::min)(first, bucket), last = (std::max)(last, bucket);
    }
    if (count == 0) return;
    limits.push_back(edges[first]);  // an empty bucket, which tells where the first one begins
    buckets.push_back(0);
    for (std::size_t i = first; i <= last; ++i) limits.push_back(edges[i + 1]), buckets.push_back(counts[i]);
  }

 private:
  static std::vector<double> make_edges() {
    std::vector<double> edges{0};
    for (double edge = 1e-12; edge < 1e20; edge *= 1.1) edges.push_back(edge);
    std::vector<double> all;
    for (std::size_t i = edges.size() - 1; i > 0; --i) all.push_back(-edges[i]);
    all.insert(all.end(), edges.begin(), edges.end());
    return all;
  }
};

}  // namespace detail

/// Writes one event file into a folder, which `tensorboard --logdir` is given, or a folder above it with a folder for
/// each run. What is added is in the file when the call returns. As a Logger it takes every value of an event, as
/// "loss/train" and "loss/validation", so that they are in charts beside each other:
///   train::TensorBoard board("runs/first");  options.loggers = {std::ref(board)};
/// Errors: Error naming the file and the cause, from every member function.
/// Source: TensorFlow's event.proto and summary.proto
/// PyTorch: torch.utils.tensorboard.SummaryWriter
class TensorBoard {
 public:
  explicit TensorBoard(const std::string& folder, TensorBoardOptions options = {})
      : options_(std::move(options)), file_(new_path(folder)) {
    io::ProtobufWriter head;
    head.add(1, now());
    head.add(3, "brain.Event:2");
    file_.write(io::tf_record(head.bytes()));
  }

  /// Where it writes.
  const std::string& path() const { return file_.path(); }

  void operator()(const Event& event) {
    io::ProtobufWriter summary;
    for (const auto& [name, value] : event.values) summary.add(1, scalar(name + "/" + event.phase, value));
    if (!event.values.empty()) write(event.step, 5, summary.bytes());
  }

  /// A point of a curve.
  void add_scalar(std::string_view tag, double value, Index step) { write_value(step, scalar(tag, value)); }

  /// How numbers are spread: parameters, gradients. NaN and infinities are left out.
  template <class T>
  void add_histogram(std::string_view tag, const Tensor<T>& values, Index step) {
    const detail::Histogram h(cast<double>(values.detach()).contiguous());
    io::ProtobufWriter histogram, value;
    const double numbers[] = {h.min, h.max, static_cast<double>(h.count), h.sum, h.sum_squares};
    for (int field = 1; field <= 5; ++field)
      if (numbers[field - 1] != 0) histogram.add(field, numbers[field - 1]);
    histogram.add(6, h.limits);
    histogram.add(7, h.buckets);
    value.add(1, text::well_formed_utf8(tag));
    value.add(5, histogram.bytes());
    write_value(step, value.bytes());
  }

  /// A picture, from the bytes of a PNG file: add_image("samples", io::encode_png(train::image_grid(x)), step).
  /// Errors: Error when they are no PNG file.
  void add_image(std::string_view tag, std::string_view png, Index step) {
    if (!png.starts_with("\x89PNG") || png.size() < 26) fail("TensorBoard: the image '", tag, "' is no PNG file");
    const auto byte = [&](std::size_t at) { return std::int64_t{static_cast<unsigned char>(png[at])}; };
    const auto number = [&](std::size_t at) {
      return byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
    };
    const std::int64_t channels[] = {1, 0, 3, 3, 2, 0, 4};  // by PNG's colour type
    io::ProtobufWriter image, value;
    image.add(1, number(20));
    image.add(2, number(16));
    image.add(3, byte(25) < 7 ? channels[byte(25)] : 0);
    image.add(4, png);
    value.add(1, text::well_formed_utf8(tag));
    value.add(4, image.bytes());
    write_value(step, value.bytes());
  }

  /// A text, which TensorBoard reads as Markdown.
  void add_text(std::string_view tag, std::string_view markdown, Index step) {
    io::ProtobufWriter dim, shape, tensor, plugin, metadata, value;
    dim.add(1, std::int64_t{1});
    shape.add(2, dim.bytes());
    tensor.add(1, std::int64_t{7});  // DT_STRING
    tensor.add(2, shape.bytes());
    tensor.add(8, text::well_formed_utf8(markdown));
    plugin.add(1, "text");
    metadata.add(1, plugin.bytes());
    value.add(1, text::well_formed_utf8(tag));
    value.add(8, tensor.bytes());
    value.add(9, metadata.bytes());
    write_value(step, value.bytes());
  }

 private:
  double now() const {
    if (options_.seconds) return options_.seconds();
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  /// TensorBoard reads the files of a folder in the order of their names.
  std::string new_path(const std::string& folder) const {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) fail("TensorBoard: ", folder, ": ", error.message());
    const std::string name = "events.out.tfevents." + std::to_string(static_cast<std::int64_t>(now())) + ".";
    int number = 0;
    while (std::filesystem::exists(std::filesystem::path(folder) / (name + std::to_string(number)), error)) ++number;
    return (std::filesystem::path(folder) / (name + std::to_string(number))).string();
  }

  static std::string scalar(std::string_view tag, double value) {
    io::ProtobufWriter message;
    message.add(1, text::well_formed_utf8(tag));
    message.add(2, static_cast<float>(value));
    return message.bytes();
  }
  void write_value(Index step, std::string_view value) {
    io::ProtobufWriter summary;
    summary.add(1, value);
    write(step, 5, summary.bytes());
  }
  void write(Index step, int field, std::string_view message) {
    if (std::exchange(options_.resume, false)) {
      io::ProtobufWriter session;
      session.add(1, std::int64_t{1});  // START
      write(step, 7, session.bytes());
    }
    io::ProtobufWriter event;
    event.add(1, now());
    if (step != 0) event.add(2, std::int64_t{step});
    event.add(field, message);
    file_.write(io::tf_record(event.bytes()));
  }

  TensorBoardOptions options_;
  io::AppendFile file_;
};

}  // namespace gloss::inline GLOSS_ABI::train
