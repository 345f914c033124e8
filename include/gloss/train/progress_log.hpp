// Events of a training on a terminal: a bar over the whole run, and a line for each epoch and each validation.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <gloss/train/event.hpp>
#include <gloss/train/progress.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// A Logger that shows events as a Progress: steps of all steps, the values of the last one, items per second and the
/// time left. On a pipe these are plain lines, now and then.
///   train::ProgressLog bar;  options.loggers = {std::ref(bar)};  ...  bar.finish();
class ProgressLog {
 public:
  /// `total` and `first` come from the events; `title` stands before "epoch 3".
  explicit ProgressLog(ProgressOptions options = {.unit = "items"}) : options_(std::move(options)) {}

  void operator()(const Event& event) {
    if (event.phase == "train") return step(event);
    const std::string text = "  " + event.phase + (event.phase == "epoch" ? " " + std::to_string(event.epoch) : "") +
                             ": " + scalars_text(event.values);
    if (!line_) begin(event);
    line_->message(text);
  }

  /// Ends the line, with the time taken.
  void finish() {
    if (line_) line_->finish();
    line_.reset();
  }

 private:
  void begin(const Event& event) {
    ProgressOptions options = options_;
    options.total = event.steps;
    options.first = event.step;
    first_items_ = event.items;
    line_.emplace(std::move(options));
  }
  void step(const Event& event) {
    if (!line_) begin(event);
    line_->title(options_.title + (options_.title.empty() ? "" : "  ") + "epoch " + std::to_string(event.epoch + 1));
    line_->update(event.step, {.tokens = static_cast<Index>(event.items - first_items_), .metrics = event.values});
  }

  ProgressOptions options_;
  double first_items_ = 0;
  std::optional<Progress> line_;
};

}  // namespace gloss::inline GLOSS_ABI::train
