// What a training has been through: its epochs and validations.
#pragma once

#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/train/event.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Why a training ended: the epochs were over, or one of the limits came first.
enum class Stop { epochs, max_steps, max_seconds, patience, flag };

/// What fit throws when a loss, a gradient or a weight is infinite or NaN.
struct DivergedError : Error {
  const char* quantity;  ///< "the loss", "the norm of the gradient", ...
  DivergedError(const char* what_diverged, const std::string& text) : Error(text), quantity(what_diverged) {}
};

/// What fit returns. Of a resumed training it has the epochs before as well, without their times.
/// PyTorch: the History of Keras' fit
struct FitReport {
  std::vector<Event> events;                               ///< epochs and validations, in order
  Stop stop = Stop::epochs;                                ///< why it ended
  Index step = 0;                                          ///< optimizer steps that are done
  Index epoch = 0;                                         ///< passes over the data that are done
  Index batch = 0;                                         ///< and batches of the next one
  double seconds = 0;                                      ///< in this process
  double best = std::numeric_limits<double>::quiet_NaN();  ///< of what was monitored

  /// The values of one name, in order: values("validation", "loss") is a curve.
  std::vector<double> values(std::string_view phase, std::string_view name) const {
    std::vector<double> out;
    for (const Event& event : events)
      if (const double* const value = event.find(name); value && event.phase == phase) out.push_back(*value);
    return out;
  }
};

namespace detail {
/// Events as lines of fields behind tabs, for a checkpoint: without times and limits, so that equal trainings give
/// equal files.
GLOSS_COLD inline std::string events_to_text(const std::vector<Event>& events) {
  std::string out;
  const auto field = [&](const auto& value) {
    append_part(out, value);
    out += '\t';
  };
  const auto name = [&](std::string text) {
    for (char& c : text)
      if (c == '\t' || c == '\n') c = ' ';
    field(text);
  };
  for (const Event& e : events) {
    name(e.phase);
    field(e.step), field(e.epoch), field(e.batch), field(e.batches), field(e.items);
    for (const auto& [key, value] : e.values) name(key), field(value);
    out.back() = '\n';
  }
  return out;
}

/// Errors: LoadError when it is no such text.
GLOSS_COLD inline std::vector<Event> events_from_text(const std::string& text) {
  std::vector<Event> out;
  for (std::size_t at = 0; at < text.size();) {
    std::vector<std::string> fields(1);
    for (; at < text.size() && text[at] != '\n'; ++at) {
      if (text[at] == '\t')
        fields.emplace_back();
      else
        fields.back() += text[at];
    }
    ++at;
    const auto number = [&](std::size_t i) {
      const char* const end = fields[i].data() + fields[i].size();
      double value = 0;
      const auto read = std::from_chars(fields[i].data(), end, value);  // in every locale
      if (read.ec != std::errc() || read.ptr != end)
        fail<LoadError>("load_state: '", fields[i], "' in the history is no number");
      return value;
    };
    if (fields.size() < 6 || fields.size() % 2 != 0) fail<LoadError>("load_state: the history is not whole");
    const auto count = [&](std::size_t i) { return static_cast<Index>(number(i)); };
    Event e{.phase = fields[0], .step = count(1), .epoch = count(2), .batch = count(3), .batches = count(4)};
    e.items = number(5);
    for (std::size_t i = 6; i < fields.size(); i += 2) e.values.emplace_back(fields[i], number(i + 1));
    out.push_back(std::move(e));
  }
  return out;
}

/// What a checkpoint keeps of the events.
struct EventList {
  std::vector<Event> events;

  std::string state() const { return events_to_text(events); }
  void load_state(const std::string& text) { events = events_from_text(text); }
};
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::train
