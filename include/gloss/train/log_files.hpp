// Logs of a training as files: a table (CSV) or a JSON object for each event.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/json_quoted.hpp>
#include <gloss/data/csv.hpp>
#include <gloss/io/append_file.hpp>
#include <gloss/io/atomic_file.hpp>
#include <gloss/text/lines.hpp>
#include <gloss/train/event.hpp>
#include <gloss/train/number_text.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct LogFileOptions {
  /// Of a run that goes on: what the file has from the first event of this run on, written by the run that was stopped,
  /// goes, and so does a line that was cut short; the rest stays. Without, the file begins anew.
  bool resume = false;
};

namespace detail {

/// What stands in every line beside the values, in this order.
inline constexpr std::string_view log_columns[] = {"step", "epoch", "phase", "seconds", "items"};

/// Without digits that no clock measures.
inline double microseconds(double seconds) { return std::round(seconds * 1e6) / 1e6; }

inline std::string log_header() {
  std::string text;
  for (const std::string_view column : log_columns) text += (text.empty() ? "" : ",") + std::string(column);
  return text;
}

inline void check_log_names(const char* op, const Event& event) {
  for (const auto& [name, value] : event.values)
    for (const std::string_view column : log_columns)
      if (name == column) fail(op, ": a value is called '", name, "', which every line has already");
}

/// Of an old log its header, if it has one, and its whole lines before the first event of a run that goes on.
/// `place(line)` is the step of a line and whether it has that event's phase; nothing where it cannot be read.
template <class Place>
std::string log_before(std::string_view bytes, bool has_header, const Event& first, Place place) {
  std::size_t kept = has_header ? bytes.find('\n') + 1 : 0;
  for (std::size_t end = kept; (end = bytes.find('\n', kept)) != std::string_view::npos; kept = end + 1) {
    const std::optional<std::pair<Index, bool>> at = place(bytes.substr(kept, end - kept));
    if (!at || at->first > first.step || (at->first == first.step && at->second)) break;
  }
  return std::string(bytes.substr(0, kept));
}

inline std::optional<Index> read_step(std::string_view text) {
  Index step = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (error != std::errc()) return {};
  return step;
}

/// The name of a value's column: UTF-8 on one line.
inline std::string csv_column(std::string_view name) {
  std::string out = text::well_formed_utf8(name);
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}
/// A field as CSV has it: in quotes where it must be.
inline std::string csv_field(std::string_view name) {
  const std::string column = csv_column(name);
  if (column.find_first_of(",\"") == std::string::npos) return column;
  std::string out = "\"";
  for (const char c : column) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace detail

/// A line for each event: step, epoch, phase, seconds, items, and a column for each name of a value. When a name comes
/// up that has no column yet, the file is written anew with one more (what is no file, such as a pipe, gets a new
/// header instead). NaN and infinities are nan and inf.
///   train::CsvLog log("run.csv");  options.loggers = {std::ref(log)};
/// Errors: Error naming the file and the cause; Error for a value with the name of one of the five; LoadError when a
/// run goes on with a file that is no such log.
class CsvLog {
 public:
  explicit CsvLog(std::string path, LogFileOptions options = {}) : path_(std::move(path)) {
    if (!options.resume) begin("");
  }

  void operator()(const Event& event) {
    detail::check_log_names("CsvLog", event);
    if (!file_) go_on(event);
    std::vector<std::string> names;  // of the columns
    for (const auto& [name, value] : event.values) names.push_back(detail::csv_column(name));
    add_columns(names);
    std::string line = std::to_string(event.step) + "," + std::to_string(event.epoch) + "," +
                       detail::csv_field(event.phase) + "," + exact_number(detail::microseconds(event.seconds)) + "," +
                       exact_number(event.items);
    for (std::size_t i = std::size(detail::log_columns); i < columns_.size(); ++i) {
      const auto place = std::find(names.begin(), names.end(), columns_[i]) - names.begin();
      line += ",";
      if (const auto at = static_cast<std::size_t>(place); at < names.size())
        line += exact_number(event.values[at].second);
    }
    file_->write(line + "\n");
  }

 private:
  void begin(const std::string& bytes) {
    file_.reset();
    io::write_file_atomically(path_, bytes);
    file_.emplace(path_);
  }
  void go_on(const Event& first) {
    if (!std::filesystem::is_regular_file(path_)) return begin("");
    const std::string old = read_file(path_);
    if (!old.empty() && !old.starts_with(detail::log_header()))
      fail<LoadError>("CsvLog: ", path_, ": not a log of a training: the header does not begin with ",
                      detail::log_header());
    const std::string phase = detail::csv_field(first.phase) + ",";
    const auto place = [&](std::string_view line) -> std::optional<std::pair<Index, bool>> {
      const std::optional<Index> step = detail::read_step(line);
      const std::size_t comma = line.find(',', line.find(',') + 1);  // the one before the phase
      if (!step || comma == std::string_view::npos) return {};
      return std::pair(*step, line.substr(comma + 1).starts_with(phase));
    };
    const std::string kept = detail::log_before(old, true, first, place);
    data::detail::CsvReader(kept, path_, {}).read(columns_);
    begin(kept);
  }

  void add_columns(const std::vector<std::string>& names) {
    const std::size_t before = columns_.size();
    if (before == 0) columns_.assign(std::begin(detail::log_columns), std::end(detail::log_columns));
    for (const std::string& name : names)
      if (std::find(columns_.begin(), columns_.end(), name) == columns_.end()) columns_.push_back(name);
    if (columns_.size() == before) return;
    std::string table;
    for (const std::string& column : columns_) table += (table.empty() ? "" : ",") + detail::csv_field(column);
    table += "\n";
    if (before == 0 || !std::filesystem::is_regular_file(path_)) return file_->write(table);
    const std::string old = read_file(path_), empty_fields(columns_.size() - before, ',');
    std::string_view rest = old;
    text::detail::take_line(rest);
    while (!rest.empty()) table += std::string(text::detail::take_line(rest)) + empty_fields + "\n";
    begin(table);
  }

  std::string path_;
  std::vector<std::string> columns_;
  std::optional<io::AppendFile> file_;  // none before the first event of a run that goes on
};

/// A JSON object on a line of its own for each event: {"step":20,"epoch":0,"phase":"train","seconds":1.5,"items":640,
/// "loss":0.31}. What JSON cannot say (NaN, infinities) is null.
/// Errors: Error naming the file and the cause; Error for a value with the name of one of the five.
class JsonLog {
 public:
  explicit JsonLog(std::string path, LogFileOptions options = {}) : path_(std::move(path)) {
    if (!options.resume) begin("");
  }

  void operator()(const Event& event) {
    detail::check_log_names("JsonLog", event);
    if (!file_) go_on(event);
    const auto number = [](double x) { return std::isfinite(x) ? exact_number(x) : std::string("null"); };
    std::string line = "{\"step\":" + std::to_string(event.step) + ",\"epoch\":" + std::to_string(event.epoch) +
                       phase_field(event) + "\"seconds\":" + number(detail::microseconds(event.seconds)) +
                       ",\"items\":" + number(event.items);
    for (const auto& [name, value] : event.values) line += "," + quoted(name) + ":" + number(value);
    file_->write(line + "}\n");
  }

 private:
  static std::string quoted(std::string_view name) { return json_quoted(text::well_formed_utf8(name)); }
  static std::string phase_field(const Event& event) { return ",\"phase\":" + quoted(event.phase) + ","; }
  void begin(const std::string& bytes) {
    io::write_file_atomically(path_, bytes);
    file_.emplace(path_);
  }
  void go_on(const Event& first) {
    if (!std::filesystem::is_regular_file(path_)) return begin("");
    const auto place = [&](std::string_view line) -> std::optional<std::pair<Index, bool>> {
      constexpr std::string_view start = "{\"step\":";
      const std::optional<Index> step =
          line.starts_with(start) ? detail::read_step(line.substr(start.size())) : std::nullopt;
      if (!step || !line.ends_with('}')) return {};
      return std::pair(*step, line.find(phase_field(first)) != std::string_view::npos);
    };
    begin(detail::log_before(read_file(path_), false, first, place));
  }

  std::string path_;
  std::optional<io::AppendFile> file_;
};

namespace detail {
inline void replay_csv(std::string_view bytes, const std::string& name, const Logger& logger) {
  data::detail::CsvReader reader(bytes, name, {});
  const auto bad = [&](const std::string& cause) {
    text::detail::fail_at_line("replay_csv_log", name, reader.line(), cause);
  };
  std::vector<std::string> columns, fields;
  reader.read(columns);
  if (columns.size() < std::size(log_columns) ||
      !std::equal(std::begin(log_columns), std::end(log_columns), columns.begin()))
    bad("the header does not begin with step,epoch,phase,seconds,items");
  while (reader.read(fields)) {
    if (fields.size() != columns.size())
      bad(std::to_string(fields.size()) + " fields, the header has " + std::to_string(columns.size()));
    const auto number = [&](std::size_t i) {
      double found = 0;
      if (!data::detail::to_number(fields[i], found)) bad("'" + fields[i] + "' is not a number");
      return found;
    };
    const auto count = [&](std::size_t i) {
      const double found = number(i);
      if (!(found >= 0 && found <= 9007199254740992.0)) bad("'" + fields[i] + "' counts nothing");
      return static_cast<Index>(found);
    };
    Event event{.phase = fields[2]};
    event.step = count(0), event.epoch = count(1);
    event.seconds = number(3), event.items = number(4);
    for (std::size_t i = std::size(log_columns); i < fields.size(); ++i)
      if (!fields[i].empty()) event.values.emplace_back(columns[i], number(i));
    logger(event);
  }
}
}  // namespace detail

/// Tells a logger the events that a CsvLog wrote: a History then has the curves of a training from its beginning,
/// though it was stopped and went on.
/// Errors: LoadError naming file, line and cause for what no CsvLog wrote.
inline void replay_csv_log(const std::string& path, const Logger& logger) {
  detail::replay_csv(read_file(path), path, logger);
}

}  // namespace gloss::inline GLOSS_ABI::train
