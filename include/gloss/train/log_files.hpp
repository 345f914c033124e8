// Logs of a training as files: a table (CSV) or a JSON object for each event.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <locale>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/json_quoted.hpp>
#include <gloss/io/append_file.hpp>
#include <gloss/io/atomic_file.hpp>
#include <gloss/text/lines.hpp>
#include <gloss/train/event.hpp>
#include <gloss/train/number_text.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct LogFileOptions {
  /// Of a run that goes on after this many steps: lines of the file up to there stay, later ones (of the run that was
  /// stopped) and a line that was cut short go. Below 0: the file begins anew.
  Index resume_step = -1;
};

namespace detail {

/// What stands in every line beside the values, in this order.
inline constexpr std::string_view log_columns[] = {"step", "epoch", "phase", "seconds", "items"};

/// Without digits that no clock measures.
inline double microseconds(double seconds) { return std::round(seconds * 1e6) / 1e6; }

inline void check_log_names(const char* op, const Event& event) {
  for (const auto& [name, value] : event.values)
    for (const std::string_view column : log_columns)
      if (name == column) fail(op, ": a value is called '", name, "', which every line has already");
}

/// The step that a line begins with, behind `before`; nothing where there is none.
inline std::optional<Index> step_of_line(std::string_view line, std::string_view before) {
  if (!line.starts_with(before)) return {};
  Index step = 0;
  const char* const first = line.data() + before.size();
  const auto [end, error] = std::from_chars(first, line.data() + line.size(), step);
  if (error != std::errc() || end == line.data() + line.size() || *end != ',') return {};
  return step;
}

/// The header of `bytes` (where it has one) and the whole lines of steps up to `last`.
inline std::string log_up_to(std::string_view bytes, bool has_header, std::string_view before, Index last) {
  std::string kept;
  for (bool header = has_header; !bytes.empty(); header = false) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view line = bytes.substr(0, end + 1);
    const std::optional<Index> step = step_of_line(line, before);
    if (header || (step && *step <= last)) kept += line;
    bytes.remove_prefix(end + 1);
  }
  return kept;
}

/// A new file, or what a run that goes on finds in it.
inline std::string begin_log(const std::string& path, LogFileOptions options, bool has_header,
                             std::string_view before) {
  std::string kept;
  if (options.resume_step >= 0 && std::filesystem::exists(path)) {
    const std::string old = read_file(path);
    if (has_header && !old.empty() && !old.starts_with("step,epoch,phase,seconds,items"))
      fail<LoadError>("CsvLog: ", path,
                      ": not a log of a training: the header does not begin with step,epoch,phase,seconds,items");
    kept = log_up_to(old, has_header, before, options.resume_step);
  }
  io::write_file_atomically(path, kept);
  return kept;
}

/// A field as CSV has it: in quotes where it must be; a line break becomes a blank.
inline std::string csv_field(std::string_view text) {
  const bool plain = text.find_first_of(",\"\n\r") == std::string_view::npos;
  std::string out = plain ? "" : "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return plain ? out : out + '"';
}

/// The fields of a line of CSV.
inline std::vector<std::string> csv_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && line.substr(i + 1).starts_with('"'))
      fields.back() += line[++i];
    else if (line[i] == '"')
      quoted = !quoted;
    else if (line[i] == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += line[i];
  }
  return fields;
}

/// A number that exact_number wrote; nothing where it is none.
inline std::optional<double> read_number(const std::string& text) {
  for (const double special : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity()})
    if (text == exact_number(special)) return special;
  std::istringstream in(text);  // from_chars for double is missing in some standard libraries
  in.imbue(std::locale::classic());
  double number = 0;
  if (!(in >> number) || in.peek() != std::istringstream::traits_type::eof()) return {};
  return number;
}

/// The name of a value's column: as the header gives it when it is read again.
inline std::string csv_column(std::string_view name) { return csv_fields(csv_field(text::well_formed_utf8(name)))[0]; }

}  // namespace detail

/// A line for each event: step, epoch, phase, seconds, items, and a column for each name of a value. When a name comes
/// up that has no column yet, the file is written anew with one more (what is no file, such as a pipe, gets a new header
/// instead). NaN and infinities are nan and inf.
///   train::CsvLog log("run.csv");  options.loggers = {std::ref(log)};
/// Errors: Error naming the file and the cause; Error for a value with the name of one of the five; LoadError when a run
/// goes on with a file that is no such log.
class CsvLog {
 public:
  explicit CsvLog(std::string path, LogFileOptions options = {}) : path_(std::move(path)) {
    const std::string kept = detail::begin_log(path_, options, true, "");
    std::string_view rest = kept;
    if (!kept.empty()) columns_ = detail::csv_fields(text::detail::take_line(rest));
    file_.emplace(path_);
  }

  void operator()(const Event& event) {
    detail::check_log_names("CsvLog", event);
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
    file_.reset();
    io::write_file_atomically(path_, table);
    file_.emplace(path_);
  }

  std::string path_;
  std::vector<std::string> columns_;
  std::optional<io::AppendFile> file_;
};

/// A JSON object on a line of its own for each event: {"step":20,"epoch":0,"phase":"train","seconds":1.5,"items":640,
/// "loss":0.31}. What JSON cannot say (NaN, infinities) is null.
/// Errors: as CsvLog.
class JsonLog {
 public:
  explicit JsonLog(const std::string& path, LogFileOptions options = {})
      : file_((detail::begin_log(path, options, false, "{\"step\":"), path)) {}

  void operator()(const Event& event) {
    detail::check_log_names("JsonLog", event);
    const auto number = [](double x) { return std::isfinite(x) ? exact_number(x) : std::string("null"); };
    const auto quoted = [](std::string_view name) { return json_quoted(text::well_formed_utf8(name)); };
    std::string line = "{\"step\":" + std::to_string(event.step) + ",\"epoch\":" + std::to_string(event.epoch) +
                       ",\"phase\":" + quoted(event.phase) +
                       ",\"seconds\":" + number(detail::microseconds(event.seconds)) +
                       ",\"items\":" + number(event.items);
    for (const auto& [name, value] : event.values) line += "," + quoted(name) + ":" + number(value);
    file_.write(line + "}\n");
  }

 private:
  io::AppendFile file_;
};

/// Tells a logger the events that a CsvLog wrote: History then has the curves of a run from its begin, though it went on.
/// Errors: LoadError naming file, line and cause for what no CsvLog wrote.
inline void replay_csv_log(const std::string& path, const Logger& logger) {
  const std::string bytes = read_file(path);
  std::string_view rest = bytes;
  const std::vector<std::string> columns = detail::csv_fields(text::detail::take_line(rest));
  const auto bad = [&](std::size_t line, const std::string& cause) {
    text::detail::fail_at_line("replay_csv_log", path, line, cause);
  };
  if (!std::equal(
          std::begin(detail::log_columns), std::end(detail::log_columns), columns.begin(),
          columns.begin() + static_cast<std::ptrdiff_t>((std::min)(columns.size(), std::size(detail::log_columns)))))
    bad(1, "the header does not begin with step,epoch,phase,seconds,items");
  for (std::size_t line = 2; !rest.empty(); ++line) {
    const std::vector<std::string> fields = detail::csv_fields(text::detail::take_line(rest));
    if (fields.size() != columns.size())
      bad(line, std::to_string(fields.size()) + " fields, the header has " + std::to_string(columns.size()));
    const auto number = [&](std::size_t i) {
      const std::optional<double> found = detail::read_number(fields[i]);
      if (!found) bad(line, "'" + fields[i] + "' is not a number");
      return *found;
    };
    const auto count = [&](std::size_t i) {
      const double found = number(i);
      if (!(found >= 0 && found <= 9007199254740992.0)) bad(line, "'" + fields[i] + "' counts nothing");
      return static_cast<Index>(found);
    };
    Event event{.phase = fields[2]};
    event.step = count(0), event.epoch = count(1);
    event.seconds = number(3), event.items = number(4);
    for (std::size_t i = std::size(detail::log_columns); i < fields.size(); ++i)
      if (!fields[i].empty()) event.values.emplace_back(columns[i], number(i));
    logger(event);
  }
}

}  // namespace gloss::inline GLOSS_ABI::train
