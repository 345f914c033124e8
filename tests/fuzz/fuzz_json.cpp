// JSON: what JsonReader takes and what it refuses is what nlohmann-json does, and the members it finds are the same.
#include <gloss/io/json_reader.hpp>
#include <nlohmann/json.hpp>

#include "fuzz/target.hpp"

using gloss::io::detail::JsonReader;
using nlohmann::json;

namespace {

/// Numbers too small for a double are 0 there and refused here.
bool has_tiny_number(std::string_view text) { return text.find("e-") != text.npos || text.find("E-") != text.npos; }

json value_of(JsonReader& reader) {
  std::string key;
  json value;
  switch (reader.kind()) {
    case JsonReader::Kind::object:
      value = json::object();
      for (reader.enter(); reader.next_key(key);) value[key] = value_of(reader);
      return value;
    case JsonReader::Kind::array:
      value = json::array();
      for (reader.enter(); reader.next_item();) value.push_back(value_of(reader));
      return value;
    case JsonReader::Kind::string:
      return reader.string();
    case JsonReader::Kind::number:
      return json::parse(reader.number());
    case JsonReader::Kind::boolean:
      return reader.boolean();
    case JsonReader::Kind::null:
      reader.skip();
  }
  return value;
}

}  // namespace

void gloss_fuzz::run(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return;  // a mark that RFC 8259 lets a parser pass over, as nlohmann-json does
  if (bytes.find('\0') != bytes.npos) return;      // which nlohmann-json takes for the end
  const json theirs = json::parse(bytes, nullptr, false);
  try {
    JsonReader(bytes).skip();
    JsonReader reader(bytes);
    const json ours = value_of(reader);
    reader.end();
    require_of([&] { return ours == theirs; });
    if (ours.is_object()) require_of([&] { return gloss::io::detail::json_members(bytes).size() == ours.size(); });
  } catch (const gloss::LoadError&) {
    require_of([&] { return theirs.is_discarded() || has_tiny_number(bytes); });
  }
}
