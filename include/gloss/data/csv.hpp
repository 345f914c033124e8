// Tables in text form: comma- or tab-separated, with named columns.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/core/nearest.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/tensor/views.hpp>
#include <gloss/text/lines.hpp>

namespace gloss::inline GLOSS_ABI::data {

struct CsvOptions {
  char separator = ',';  ///< '\t' for TSV
  bool header = true;    ///< the first line names the columns; else their names are 0, 1, ...
  char quote = '"';      ///< '\0': quotes are text like any other
};

namespace detail {

/// The number that a text is, blanks around it left out; false when it is none.
GLOSS_LAZY bool to_number(std::string_view text, double& value) {
  const std::size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
  if (first == std::string_view::npos) return false;
  text = text.substr(first, last - first + 1);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
#ifdef __cpp_lib_to_chars
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
#else
  const std::string copy(text);
  char* end = nullptr;
  value = std::strtod(copy.c_str(), &end);
  return end == copy.c_str() + copy.size();
#endif
}
GLOSS_LAZY bool to_number(std::string_view text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// Takes records off a text, as RFC 4180 and Python's csv read them.
class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view name, CsvOptions options)
      : rest_(text), name_(name), options_(options) {
    if (text::detail::starts_with_bom(rest_)) rest_.remove_prefix(3);
  }

  /// The fields of the next line that is not empty; false at the end of the text.
  GLOSS_COLD bool read(std::vector<std::string>& fields) {
    while (!rest_.empty() && is_end(rest_.front())) take_end();
    fields.clear();
    line_ = next_line_;
    if (rest_.empty()) return false;
    do fields.push_back(read_field());
    while (take(options_.separator));
    if (!rest_.empty()) take_end();
    return true;
  }
  /// On which line that record began.
  std::size_t line() const { return line_; }

 private:
  static bool is_end(char c) { return c == '\n' || c == '\r'; }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void take_end() {
    const bool carriage = take('\r');
    if (!take('\n') && !carriage) return;
    ++next_line_;
  }
  std::string read_field() {
    std::string field;
    if (options_.quote != '\0' && take(options_.quote)) {
      const std::size_t begin = next_line_;
      for (;;) {
        if (rest_.empty()) text::detail::fail_at_line("read_csv", name_, begin, "a quote is not closed");
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == options_.quote && !take(c)) break;
        if (c == '\n' || (c == '\r' && (rest_.empty() || rest_.front() != '\n'))) ++next_line_;
        field += c;
      }
      if (!rest_.empty() && rest_.front() != options_.separator && !is_end(rest_.front()))
        text::detail::fail_at_line("read_csv", name_, next_line_, "text behind the closing quote of a field");
    } else {
      std::size_t length = 0;
      while (length < rest_.size() && rest_[length] != options_.separator && !is_end(rest_[length])) ++length;
      field = rest_.substr(0, length);
      rest_.remove_prefix(length);
    }
    if (text::find_ill_formed_utf8(field) != std::string_view::npos)
      text::detail::fail_at_line("read_csv", name_, line_, "a field is not UTF-8");
    return field;
  }

  std::string_view rest_, name_;
  CsvOptions options_;
  std::size_t line_ = 1, next_line_ = 1;
};

}  // namespace detail

/// The names of classes and the number of each row's, which counts the names in their order.
struct NamedLabels {
  Tensor<std::int64_t> ids;
  std::vector<std::string> names;
};

/// A table of texts with named columns.
/// Errors: LoadError, from every function that takes the name of a column, when there is none of that name.
class Table {
 public:
  GLOSS_COLD Table(std::string_view text, std::string_view name, CsvOptions options) : name_(name) {
    detail::CsvReader reader(text, name, options);
    std::vector<std::string> fields;
    while (reader.read(fields)) {
      if (names_.empty()) {
        for (std::size_t c = 0; c < fields.size(); ++c) {
          std::string column = options.header ? fields[c] : std::to_string(c);
          for (const std::string& other : names_)
            if (other == column)
              text::detail::fail_at_line("read_csv", name_, reader.line(), "two columns are named '", column, "'");
          names_.push_back(std::move(column));
        }
        columns_.resize(names_.size());
        if (options.header) continue;
      }
      if (fields.size() != names_.size())
        text::detail::fail_at_line("read_csv", name_, reader.line(), "expected ", names_.size(), " fields, found ",
                                   fields.size());
      for (std::size_t c = 0; c < fields.size(); ++c) columns_[c].push_back(std::move(fields[c]));
      lines_.push_back(reader.line());
    }
    if (names_.empty()) fail<LoadError>("read_csv: ", name_, ": there is nothing in it");
  }

  /// Lines behind the header.
  Index rows() const { return static_cast<Index>(lines_.size()); }
  /// Of the columns, in the order of the file.
  const std::vector<std::string>& names() const { return names_; }

  /// A column as it stands in the file.
  const std::vector<std::string>& texts(std::string_view column) const { return columns_[find(column)]; }

  /// Columns as numbers; an empty field is NaN.
  /// Shape: [rows, columns]
  /// Errors: LoadError naming line, column and text where there is no number.
  template <Real T = float>
  GLOSS_COLD Tensor<T> matrix(const std::vector<std::string>& columns) const {
    const auto width = static_cast<Index>(columns.size());
    Tensor<T> x = empty<T>({rows(), width});
    for (Index c = 0; c < width; ++c) {
      const std::string& name = columns[static_cast<std::size_t>(c)];
      const std::vector<std::string>& texts_of_it = texts(name);
      for (std::size_t r = 0; r < texts_of_it.size(); ++r) {
        double value = std::numeric_limits<double>::quiet_NaN();
        if (!texts_of_it[r].empty() && !detail::to_number(texts_of_it[r], value)) bad_field(r, name, "a number");
        x.data()[static_cast<Index>(r) * width + c] = static_cast<T>(value);
      }
    }
    return x;
  }
  /// A column as numbers; an empty field is NaN.
  /// Shape: [rows]
  template <Real T = float>
  Tensor<T> numbers(const std::string& column) const {
    return matrix<T>({column}).reshape({rows()});
  }

  /// A column as whole numbers.
  /// Shape: [rows]
  /// Errors: LoadError naming line, column and text where there is none.
  GLOSS_COLD Tensor<std::int64_t> integers(const std::string& column) const {
    const std::vector<std::string>& texts_of_it = texts(column);
    Tensor<std::int64_t> x = empty<std::int64_t>({rows()});
    for (std::size_t r = 0; r < texts_of_it.size(); ++r)
      if (!detail::to_number(texts_of_it[r], x.data()[r])) bad_field(r, column, "a whole number");
    return x;
  }

  /// A column as classes, whose names are sorted.
  /// PyTorch: sklearn.preprocessing.LabelEncoder
  GLOSS_COLD NamedLabels labels(const std::string& column) const {
    const std::vector<std::string>& texts_of_it = texts(column);
    NamedLabels found{empty<std::int64_t>({rows()}), texts_of_it};
    std::sort(found.names.begin(), found.names.end());
    found.names.erase(std::unique(found.names.begin(), found.names.end()), found.names.end());
    for (std::size_t r = 0; r < texts_of_it.size(); ++r)
      found.ids.data()[r] =
          std::lower_bound(found.names.begin(), found.names.end(), texts_of_it[r]) - found.names.begin();
    return found;
  }

 private:
  std::size_t find(std::string_view column) const {
    for (std::size_t c = 0; c < names_.size(); ++c)
      if (names_[c] == column) return c;
    const std::string meant = nearest_name(column, names_);
    fail<LoadError>("read_csv: ", name_, ": there is no column '", column, "'",
                    meant.empty() ? std::string() : "; is '" + meant + "' meant?");
  }
  [[noreturn]] GLOSS_COLD void bad_field(std::size_t row, std::string_view column, const char* expected) const {
    text::detail::fail_at_line("read_csv", name_, lines_[row], "'", columns_[find(column)][row], "' in column '",
                               column, "' is not ", expected);
  }

  std::string name_;
  std::vector<std::string> names_;
  std::vector<std::vector<std::string>> columns_;
  std::vector<std::size_t> lines_;  // on which each row begins
};

/// A table from text in memory; `name` stands for the file in messages. A field in quotes may hold separators, line
/// ends and, doubled, quotes. A byte order mark and CRLF or CR line ends are accepted, empty lines are skipped.
/// Errors: LoadError naming file, line and cause: a line with more or fewer fields than the first, a quote that is not
/// closed, text behind one that is, bytes that are not UTF-8, two columns of one name, or nothing at all.
/// Source: RFC 4180.
/// Python: csv.DictReader
inline Table parse_csv(std::string_view text, std::string_view name, CsvOptions options = {}) {
  return Table(text, name, options);
}

/// A table from a file; see parse_csv.
/// Errors: LoadError naming file, line and cause.
inline Table read_csv(const std::string& path, CsvOptions options = {}) {
  return parse_csv(read_file(path), path, options);
}

}  // namespace gloss::inline GLOSS_ABI::data
