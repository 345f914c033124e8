// What the events of a training said, as curves, in memory that does not grow with the training.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/train/curves.hpp>
#include <gloss/train/event.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Of one value in one phase: its last number, its least and its greatest, and after which steps.
struct HistoryRecord {
  std::string name, phase;
  double last = 0, least = 0, greatest = 0;
  Index last_step = 0, least_step = 0, greatest_step = 0;
};

/// A Logger that keeps the values of all events. Of each value in each phase it keeps at most `most` points: when there
/// are more, neighbours become their mean.
///   train::History history;  options.loggers = {std::ref(history)};
class History {
 public:
  explicit History(std::size_t most = 2000) : most_((std::max)(most / 2 * 2, std::size_t{2})) {}  // even: in pairs

  void operator()(const Event& event) {
    for (const auto& [name, value] : event.values) {
      Series& s = series(name, event.phase);
      note(s.record, event.step, value, s.points.empty() && s.gathered == 0);
      s.x += static_cast<double>(event.step), s.y += value;
      if (++s.gathered == s.stride) gather(s);
    }
  }

  /// The names of values, in the order in which they came up.
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const Series& s : series_)
      if (std::find(found.begin(), found.end(), s.record.name) == found.end()) found.push_back(s.record.name);
    return found;
  }

  /// A curve for each phase that has a value of this name, by the steps. A phase has one colour for all names.
  std::vector<Curve> curves(std::string_view name) const {
    std::vector<Curve> found;
    for (const Series& s : series_) {
      if (s.record.name != name) continue;
      const auto phase = std::find(phases_.begin(), phases_.end(), s.record.phase);
      found.push_back({.name = s.record.phase, .x = {}, .y = {}, .color = static_cast<int>(phase - phases_.begin())});
      for (const auto& [x, y] : s.points) found.back().x.push_back(x), found.back().y.push_back(y);
      if (s.gathered == 0) continue;
      found.back().x.push_back(s.x / static_cast<double>(s.gathered));
      found.back().y.push_back(s.y / static_cast<double>(s.gathered));
    }
    return found;
  }

  /// In the order in which they came up.
  std::vector<HistoryRecord> records() const {
    std::vector<HistoryRecord> found;
    for (const Series& s : series_) found.push_back(s.record);
    return found;
  }

 private:
  struct Series {
    HistoryRecord record;
    std::vector<std::pair<double, double>> points = {};  // each the mean of `stride` numbers
    std::size_t stride = 1, gathered = 0;
    double x = 0, y = 0;  // sums of those gathered for the next point
  };

  Series& series(const std::string& name, const std::string& phase) {
    for (Series& s : series_)
      if (s.record.name == name && s.record.phase == phase) return s;
    if (std::find(phases_.begin(), phases_.end(), phase) == phases_.end()) phases_.push_back(phase);
    series_.push_back({.record = {.name = name, .phase = phase}});
    return series_.back();
  }

  static void note(HistoryRecord& r, Index step, double value, bool first) {
    r.last = value, r.last_step = step;
    if (first || value < r.least || r.least != r.least) r.least = value, r.least_step = step;
    if (first || value > r.greatest || r.greatest != r.greatest) r.greatest = value, r.greatest_step = step;
  }

  void gather(Series& s) const {
    const auto n = static_cast<double>(s.gathered);
    s.points.emplace_back(s.x / n, s.y / n);
    s.x = s.y = 0, s.gathered = 0;
    if (s.points.size() < most_) return;
    for (std::size_t i = 0; 2 * i < s.points.size(); ++i) {
      const auto [ax, ay] = s.points[2 * i];
      const auto [bx, by] = s.points[2 * i + 1];
      s.points[i] = {(ax + bx) / 2, (ay + by) / 2};
    }
    s.points.resize(s.points.size() / 2);
    s.stride *= 2;
  }

  std::size_t most_;
  std::vector<Series> series_;
  std::vector<std::string> phases_;
};

}  // namespace gloss::inline GLOSS_ABI::train
