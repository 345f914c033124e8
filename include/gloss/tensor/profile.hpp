// Where the time goes: calls, time, arithmetic and memory traffic of each op, as a table and as a trace for a browser.
#pragma once

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gloss/core/clock.hpp>
#include <gloss/core/json_quoted.hpp>
#include <gloss/core/profile_scope.hpp>
#include <gloss/core/sort.hpp>
#include <gloss/kernels/fma_peak.hpp>
#include <gloss/tensor/build_report.hpp>

namespace gloss::inline GLOSS_ABI {

struct ProfileOptions {
  Index max_events = 1000000;  // of the trace (48 bytes each); what comes later is in the table only
};

/// What a Profile knows of one op. Calls and times are of those that were not part of another op's work; that work,
/// with all its operations and bytes, is the outer op's.
struct ProfileRow {
  std::string op;
  Index forward_calls = 0, backward_calls = 0;
  double forward_seconds = 0, backward_seconds = 0;
  double flops = 0;         // of matrix products and attention; the other ops do not count theirs
  double flop_seconds = 0;  // the time of the calls that did
  double bytes = 0;         // what must be read or written at least, each operand once, where an op says so
  double byte_seconds = 0;  // the time of the calls that did

  /// Forward and backward together.
  Index calls() const { return forward_calls + backward_calls; }
  double seconds() const { return forward_seconds + backward_seconds; }
};

/// While it lives, it listens to the ops of the thread that made it, recorded or not, forward and backward; the
/// innermost one listens alone. An op's time is the time that passes on this thread from the op's begin to its end, its
/// own worker threads included. What is outside of all ops is accounted for, too. Costs about two readings of the clock
/// for each op. PyTorch: torch.profiler.profile
class [[nodiscard]] Profile final : ProfileSink {
 public:
  explicit Profile(ProfileOptions options = {})
      : options_(options), outer_(std::exchange(detail::profile, static_cast<ProfileSink*>(this))) {}
  ~Profile() { stop(); }
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// Listens no more; rows(), table() and trace() stay. On the thread that made it, outside of any op.
  void stop() {
    if (stopped_ != 0) return;
    stopped_ = monotonic_seconds();
    detail::profile = outer_;
  }
  /// Since it began, or from then to stop().
  double seconds() const { return (stopped_ != 0 ? stopped_ : monotonic_seconds()) - started_; }

  /// A row for each op that was called, the longest first.
  std::vector<ProfileRow> rows() const {
    const auto longer = [&](std::size_t a, std::size_t b) { return rows_[a].seconds() > rows_[b].seconds(); };
    std::vector<ProfileRow> rows;
    for (const std::size_t i : sorted_order(rows_.size(), longer))
      if (rows_[i].calls() > 0) rows.push_back(rows_[i]);
    return rows;
  }

  /// Calls and milliseconds forward and backward, share of the whole time, GFLOP/s and GB/s of the calls that count
  /// theirs and, given the processor's peak (kernels::measure_fma_peak), the share of that. The last line has the
  /// whole.
  std::string table(double peak_flops = 0) const {
    const double total = seconds();
    const auto ratio = [](double a, double b, double unit) { return a > 0 && b > 0 ? decimals(a / b * unit, 1) : "-"; };
    std::vector<std::vector<std::string>> lines = {
        {"op", "calls", "forward ms", "backward", "backward ms", "share %", "GFLOP/s", "GB/s"}};
    if (peak_flops > 0) lines[0].push_back("% of peak");
    double inside = 0, flops = 0;
    for (const ProfileRow& row : rows()) {
      lines.push_back({row.op, std::to_string(row.forward_calls), decimals(row.forward_seconds * 1e3, 3),
                       std::to_string(row.backward_calls), decimals(row.backward_seconds * 1e3, 3),
                       decimals(row.seconds() / total * 100, 1), ratio(row.flops, row.flop_seconds, 1e-9),
                       ratio(row.bytes, row.byte_seconds, 1e-9)});
      if (peak_flops > 0) lines.back().push_back(ratio(row.flops, row.flop_seconds * peak_flops, 100));
      inside += row.seconds();
      flops += row.flops;
    }
    std::string text = aligned(lines) + "in all " + decimals(total * 1e3, 3) + " ms, " +
                       decimals((total - inside) * 1e3, 3) + " ms of them outside of ops";
    if (flops > 0) text += "; " + decimals(flops / total * 1e-9, 1) + " GFLOP/s";
    if (peak_flops > 0)
      text += ", " + ratio(flops, total * peak_flops, 100) + " % of the peak of " + decimals(peak_flops * 1e-9, 1);
    return text + "\n";
  }

  /// Every op as an event in Chrome's trace format, for chrome://tracing or ui.perfetto.dev:
  /// io::write_file_atomically("trace.json", profile.trace()). Times are in microseconds since the profile began.
  std::string trace() const {
    std::string text = "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"events_left_out\":" + std::to_string(left_out_) +
                       ",\"build\":" + json_quoted(build_report()) + "},\"traceEvents\":[";
    const char* separator = "\n";
    for (const Event& e : events_) {
      text += separator + ("{\"name\":" + json_quoted(rows_[e.row].op)) + ",\"cat\":\"" +
              (e.backward ? "backward" : "forward") +
              "\",\"ph\":\"X\",\"ts\":" + decimals((e.begin - started_) * 1e6, 3) +
              ",\"dur\":" + decimals((e.end - e.begin) * 1e6, 3) + ",\"pid\":1,\"tid\":" + std::to_string(thread_);
      if (e.flops > 0 || e.bytes > 0)
        text += ",\"args\":{\"flop\":" + decimals(e.flops, 0) + ",\"bytes\":" + decimals(e.bytes, 0) + "}";
      text += "}";
      separator = ",\n";
    }
    return text + "\n]}\n";
  }

 private:
  struct Open {
    std::size_t row;
    bool backward;
    double begin;
  };
  struct Event {
    std::size_t row;
    bool backward;
    double begin, end, flops, bytes;
  };

  void begin(const char* op, bool backward) override {
    const std::size_t row = row_of(op);
    open_.push_back({row, backward, 0});
    open_.back().begin = monotonic_seconds();
  }

  void end(double flops, double bytes, const void* result) noexcept override {
    const double now = monotonic_seconds();
    const Open open = open_.back();
    open_.pop_back();
    flops_ += flops;
    bytes_ += bytes;
    last_ = {open.row, open.backward, open.begin, now, flops, bytes};
    last_result_ = result;
    last_event_ = events_.size();
    last_is_outermost_ = open_.empty();
    try {
      if (static_cast<Index>(events_.size()) < options_.max_events)
        events_.push_back(last_);
      else
        ++left_out_;
    } catch (...) {  // no memory: the table goes on
      ++left_out_;
    }
    if (!open_.empty()) return;
    last_.flops = std::exchange(flops_, 0);
    last_.bytes = std::exchange(bytes_, 0);
    count(last_, 1);
  }

  void name(const char* op, const void* result) override {
    if (!last_result_ || last_result_ != result) return;
    last_result_ = nullptr;
    const std::size_t row = row_of(op);
    if (last_event_ < events_.size()) events_[last_event_].row = row;
    if (!last_is_outermost_) return;
    count(last_, -1);
    last_.row = row;
    count(last_, 1);
  }

  void count(const Event& e, int sign) {
    ProfileRow& row = rows_[e.row];
    (e.backward ? row.backward_calls : row.forward_calls) += sign;
    (e.backward ? row.backward_seconds : row.forward_seconds) += sign * (e.end - e.begin);
    row.flops += sign * e.flops;
    row.bytes += sign * e.bytes;
    row.flop_seconds += e.flops > 0 ? sign * (e.end - e.begin) : 0;
    row.byte_seconds += e.bytes > 0 ? sign * (e.end - e.begin) : 0;
  }

  /// The number of this op's row. Names are mostly literals, so that the same pointer mostly means the same name.
  std::size_t row_of(const char* op) {
    std::size_t seen = 0;
    while (seen < seen_.size() && seen_[seen].first != op) ++seen;
    if (seen < seen_.size() && rows_[seen_[seen].second].op == op) return seen_[seen].second;
    std::size_t row = 0;
    while (row < rows_.size() && rows_[row].op != op) ++row;
    if (row == rows_.size()) rows_.push_back({.op = op});
    if (seen == seen_.size()) seen_.emplace_back(op, row);
    seen_[seen].second = row;
    return row;
  }

  static std::string decimals(double v, int digits) {
    char text[352];
    const auto result = std::to_chars(text, text + sizeof text, v, std::chars_format::fixed, digits);
    return std::string(text, result.ptr);
  }

  /// The first column to the left, the others to the right.
  static std::string aligned(const std::vector<std::vector<std::string>>& lines) {
    std::vector<std::size_t> widths(lines[0].size());
    for (const auto& line : lines)
      for (std::size_t i = 0; i < line.size(); ++i) widths[i] = (std::max)(widths[i], line[i].size());
    std::string text;
    for (const auto& line : lines) {
      for (std::size_t i = 0; i < line.size(); ++i) {
        const std::string blanks(widths[i] - line[i].size(), ' ');
        text += i == 0 ? line[i] + blanks : "  " + blanks + line[i];
      }
      text += '\n';
    }
    return text;
  }

  static int thread_number() {
    static std::atomic<int> threads{0};
    thread_local const int number = ++threads;
    return number;
  }

  ProfileOptions options_;
  ProfileSink* outer_;
  const int thread_ = thread_number();
  std::vector<ProfileRow> rows_;
  std::vector<std::pair<const char*, std::size_t>> seen_;
  std::vector<Event> events_;
  std::vector<Open> open_;
  double flops_ = 0, bytes_ = 0;  // so far in the outermost open scope
  Event last_ = {};
  const void* last_result_ = nullptr;
  std::size_t last_event_ = 0;
  bool last_is_outermost_ = false;
  Index left_out_ = 0;
  double stopped_ = 0;
  const double started_ = monotonic_seconds();
};

}  // namespace gloss::inline GLOSS_ABI
