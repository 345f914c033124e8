// One line that tells how a long loop is doing: redrawn in place on a terminal, now and then on a pipe.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <gloss/core/clock.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/text/utf8.hpp>
#include <gloss/train/event.hpp>
#include <gloss/train/number_text.hpp>

#ifdef _WIN32
#include <io.h>
#else
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace gloss::inline GLOSS_ABI::train {

/// automatic: a bar if the output is a terminal that can redraw a line, lines if not or under CI (environment).
enum class ProgressStyle { automatic, bar, lines };

struct ProgressOptions {
  std::string title = {};       ///< "epoch 3/8"
  Index total = 0;              ///< steps in all
  Index first = 0;              ///< steps done before, when a run is resumed: they do not count for the speed
  std::string unit = "tokens";  ///< what ProgressValues::tokens counts
  std::FILE* file = stderr;
  std::function<void(std::string_view)> write =
      {};  ///< takes the output instead of `file`; then no terminal is assumed
  ProgressStyle style = ProgressStyle::automatic;
  double bar_seconds = 0.1;              ///< a bar is drawn at most so often
  double line_seconds = 5;               ///< and a line
  int width = 0;                         ///< columns; 0: the terminal's
  bool color = true;                     ///< also off when NO_COLOR is set
  bool unicode = true;                   ///< also off when the locale is not UTF-8
  std::function<double()> seconds = {};  ///< a clock to use instead of the real one
};

/// What to show beside the bar.
struct ProgressValues {
  double loss = std::numeric_limits<double>::quiet_NaN();  ///< NaN: not shown
  Index tokens = 0;                                        ///< since the start of this line; 0: not shown
  Scalars metrics = {};                                    ///< shown by their names, behind the loss
};

/// "1,234,567"
GLOSS_COLD inline std::string with_thousands(Index number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t at = 0; at < digits.size(); ++at) {
    if (at > (number < 0 ? 1u : 0u) && (digits.size() - at) % 3 == 0) text += ',';
    text += digits[at];
  }
  return text;
}

/// "loss 0.3102  accuracy 0.8921"
GLOSS_COLD inline std::string scalars_text(const Scalars& scalars) {
  std::string text;
  for (const auto& [name, value] : scalars) text += (text.empty() ? "" : "  ") + name + " " + short_number(value);
  return text;
}

/// "0:07", "12:34", "1:02:03"
GLOSS_COLD inline std::string format_duration(double seconds) {
  if (!(seconds > 0)) seconds = 0;
  const auto whole = static_cast<long long>(std::llround((std::min)(seconds, 3.6e7)));
  char text[48];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  return text;
}

/// A progress line. Usage: Progress line({.title = "epoch 1/8", .total = n}); line.update(i, {.loss = l});
/// line.finish();
class Progress {
 public:
  GLOSS_COLD explicit Progress(ProgressOptions options) : options_(std::move(options)), done_(options_.first) {
    const auto has = [](const char* name) {
      const char* value = std::getenv(name);
      return value && *value;
    };
    bar_ = options_.style == ProgressStyle::bar || (options_.style == ProgressStyle::automatic && is_terminal());
    if (has("NO_COLOR")) options_.color = false;
    if (!utf8_locale()) options_.unicode = false;
    start_ = now();
    last_ = -std::numeric_limits<double>::infinity();
    if (!bar_) last_ = start_;  // the first line comes after line_seconds
  }
  ~Progress() {
    if (drawn_) put("\n");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of the total steps are done. Cheap: it returns at once when nothing is to be drawn.
  void update(Index done, ProgressValues values = {}) {
    done_ = done;
    values_ = std::move(values);
    const double time = now();
    if (time - last_ < (bar_ ? options_.bar_seconds : options_.line_seconds)) return;
    if (!bar_ && done == options_.total) return;  // finish() says it
    last_ = time;
    draw(time, false);
  }

  /// Draws the last state, with the time taken, and ends the line.
  GLOSS_COLD void finish() {
    draw(now(), true);
    if (drawn_) put("\n");
    drawn_ = false;
  }

  /// What stands left of the bar from now on.
  void title(std::string text) { options_.title = std::move(text); }

  /// A line of text above the bar.
  void message(std::string_view text) {
    std::string line = drawn_ ? "\r\x1b[K" : "";
    line += text;
    put(line + "\n");
    drawn_ = false;
    if (bar_) draw(now(), false);
  }

 private:
  double now() const {
    if (options_.seconds) return options_.seconds();
    return monotonic_seconds();
  }

  void put(std::string_view text) const {
    if (options_.write) return options_.write(text);
    if (!options_.file) return;
    std::fwrite(text.data(), 1, text.size(), options_.file);
    std::fflush(options_.file);
  }

  bool is_terminal() const {
    const char* term = std::getenv("TERM");
    const char* ci = std::getenv("CI");
    if (options_.write || !options_.file || (ci && *ci && std::string_view(ci) != "false")) return false;
#ifdef _WIN32
    return std::getenv("WT_SESSION") && _isatty(_fileno(options_.file));  // older consoles do not know the sequences
#else
    return term && *term && std::string_view(term) != "dumb" && ::isatty(::fileno(options_.file));
#endif
  }

  GLOSS_COLD static bool utf8_locale() {
#ifdef _WIN32
    return std::getenv("WT_SESSION") != nullptr;
#else
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
      const char* value = std::getenv(name);
      if (!value || !*value) continue;
      const std::string_view locale(value);
      for (const char* form : {"UTF-8", "utf8", "UTF8", "utf-8"})
        if (locale.find(form) != std::string_view::npos) return true;
      return false;
    }
    return false;
#endif
  }

  int width() const {
    if (options_.width > 0) return options_.width;
#ifndef _WIN32
    winsize size{};
    if (options_.file && ::ioctl(::fileno(options_.file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
      return size.ws_col;
#endif
    return 80;
  }

  /// What stands right of the bar: "42%  120/284  loss 3.214  12,345 tokens/s  1:23 left".
  GLOSS_COLD std::string facts(double time, bool finished) const {
    const double elapsed = time - start_;
    const Index steps = done_ - options_.first;
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "  ") + part; };
    char number[32];
    if (options_.total > 0) {
      std::snprintf(number, sizeof number, "%3d%%", static_cast<int>(100 * done_ / options_.total));
      add(number);
      const std::string total = std::to_string(options_.total), done = std::to_string(done_);
      add(std::string(total.size() > done.size() ? total.size() - done.size() : 0, ' ') + done + "/" + total);
    } else {
      add(std::to_string(done_));
    }
    if (!std::isnan(values_.loss)) {
      char digits[352];  // without snprintf's decimal comma of some locales
      add("loss " +
          std::string(digits,
                      std::to_chars(digits, digits + sizeof digits, values_.loss, std::chars_format::fixed, 3).ptr));
    }
    if (!values_.metrics.empty()) add(scalars_text(values_.metrics));
    if (values_.tokens > 0 && elapsed > 0)
      add(with_thousands(std::llround(static_cast<double>(values_.tokens) / elapsed)) + " " + options_.unit + "/s");
    if (finished)
      add("in " + format_duration(elapsed));
    else if (options_.total > 0 && steps > 0)
      add(format_duration(elapsed * static_cast<double>(options_.total - done_) / static_cast<double>(steps)) +
          " left");
    return text;
  }

  GLOSS_COLD void draw(double time, bool finished) {
    const std::string text = facts(time, finished), title = options_.title.empty() ? "" : options_.title + "  ";
    if (!bar_) return put(title + text + "\n");

    const int room = width() - 1;  // a full line would wrap
    const int taken = columns(title) + columns(text) + 2;
    if (room != room_) bar_width_ = 40;  // the window was resized
    room_ = room;
    if (bar_width_ > room - taken) bar_width_ = room - taken;  // it only shrinks, so that it does not jitter
    std::string line = "\r" + title;
    if (options_.total > 0 && bar_width_ >= 8) {
      line += bar(bar_width_) + "  " + text;
    } else {
      line += cut(text, room - columns(title));
    }
    put(line + "\x1b[K");
    drawn_ = true;
  }

  GLOSS_COLD std::string bar(int cells) const {
    double share = static_cast<double>(done_) / static_cast<double>(options_.total);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    const int halves = static_cast<int>(share * 2 * cells);
    const char* const full = options_.unicode ? "\xE2\x94\x81" : "#";  // a heavy line, and its left half
    const char* const half = options_.unicode ? "\xE2\x95\xB8" : "-";
    const char* const rest = options_.unicode && options_.color ? full : options_.unicode ? " " : ".";
    std::string text = options_.color ? "\x1b[36m" : "";
    int cell = 0;
    for (; cell < halves / 2; ++cell) text += full;
    if (halves % 2 == 1 && cell < cells) {
      text += half;
      ++cell;
    }
    if (options_.color) text += "\x1b[90m";
    for (; cell < cells; ++cell) text += rest;
    if (options_.color) text += "\x1b[0m";
    return text;
  }

  GLOSS_COLD static int columns(std::string_view text) {
    int count = 0;
    for (std::size_t at = 0; at < text.size(); ++count) at += text::decode_utf8(text, at).bytes;
    return count;
  }
  GLOSS_COLD static std::string cut(const std::string& text, int most) {
    std::size_t at = 0;
    for (int count = 0; at < text.size() && count < most; ++count) at += text::decode_utf8(text, at).bytes;
    return text.substr(0, at);
  }

  ProgressOptions options_;
  ProgressValues values_;
  Index done_;
  double start_ = 0, last_ = 0;
  int room_ = -1, bar_width_ = 40;
  bool bar_ = false;
  bool drawn_ = false;  // a bar stands on the current line
};

}  // namespace gloss::inline GLOSS_ABI::train
