// Arrays, tables and records: the first letter says as what the rest is read.
#include <gloss/data/cifar.hpp>
#include <gloss/data/csv.hpp>
#include <gloss/data/idx.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

namespace {
template <Number T>
void read_array(std::string_view bytes) {
  try {
    gloss_fuzz::require(data::parse_idx<T>(bytes, "f").is_contiguous());
  } catch (const LoadError&) {
  }
}
void read_table(std::string_view bytes, data::CsvOptions options) {
  const data::Table table = data::parse_csv(bytes, "f", options);
  for (const std::string& name : table.names()) {
    gloss_fuzz::require(static_cast<Index>(table.texts(name).size()) == table.rows());
    gloss_fuzz::require_of([&] { return table.labels(name).ids.numel() == table.rows(); });
    try {
      gloss_fuzz::require(table.numbers<double>(name).numel() == table.rows());
      static_cast<void>(table.integers(name));
    } catch (const LoadError&) {
    }
  }
}
}  // namespace

void gloss_fuzz::run(std::string_view bytes) {
  if (bytes.empty()) return;
  const char kind = bytes[0];
  bytes.remove_prefix(1);
  try {
    if (kind == 'c') read_table(bytes, {});
    if (kind == 't') read_table(bytes, {.separator = '\t', .header = false});
    if (kind == 'q') read_table(bytes, {.separator = ';', .quote = '\0'});
    if (kind == 'r') static_cast<void>(data::detail::parse_cifar("read_cifar10", bytes, "f", 1, 10));
    if (kind == 'i') {
      read_array<std::uint8_t>(bytes);
      read_array<float>(bytes);
      read_array<double>(bytes);
      read_array<std::int64_t>(bytes);
    }
  } catch (const LoadError&) {
  }
}
