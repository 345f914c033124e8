// config.json of a pretrained model, to and from a model's Config.
#pragma once

#include <charconv>
#include <concepts>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/core/json_quoted.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/io/atomic_file.hpp>
#include <gloss/io/json_reader.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {

using JsonMembers = std::map<std::string, std::string_view>;

GLOSS_COLD inline JsonMembers config_members(const std::string& text, const std::string& file) {
  try {
    return json_members(text);
  } catch (const JsonError&) {
    fail<LoadError>("read_config: ", file, ": it is not a JSON object");
  }
}
/// The text of a member's value; empty where there is none.
GLOSS_COLD inline std::string_view member(const JsonMembers& members, const char* name) {
  const auto found = members.find(name);
  return found == members.end() ? std::string_view() : found->second;
}

struct AnyField {
  template <class F>
  void operator()(const char* name, F& field) const;
};
/// A Config, or an object within one.
template <class F>
concept HasFields = requires(F& field) {
  field.fields(AnyField());
};

/// A value of config.json as a field of a Config; false where it has another type.
template <class F>
bool read_field(std::string_view value, F& field) {
  using Kind = JsonReader::Kind;
  JsonReader json(value);
  const Kind kind = json.kind();
  if constexpr (std::same_as<F, bool>) {
    if (kind != Kind::boolean) return false;
    field = json.boolean();
  } else if constexpr (std::integral<F>) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), field);
    return error == std::errc() && end == value.data() + value.size();
  } else if constexpr (std::floating_point<F>) {
    if (kind != Kind::number) return false;
    field = static_cast<F>(JsonReader::to_double(value).first);
  } else if constexpr (std::same_as<F, std::string>) {
    if (kind != Kind::string) return false;
    field = json.string();
  } else if constexpr (HasFields<F>) {
    if (kind != Kind::object) return false;
    const JsonMembers members = json_members(value);
    bool fits = true;
    field.fields([&](const char* name, auto& inner) {
      if (const std::string_view text = member(members, name); !text.empty() && text != "null")
        fits = fits && read_field(text, inner);
    });
    return fits;
  } else if constexpr (requires { field.emplace(); }) {  // an optional
    return read_field(value, field.emplace());
  } else {  // a list; one value stands for a list of one
    field.clear();
    const auto append = [&](std::string_view item) {
      typename F::value_type one{};
      const bool fits = read_field(item, one);
      if (fits) field.push_back(std::move(one));
      return fits;
    };
    if (kind != Kind::array) return append(value);
    for (json.enter(); json.next_item();)
      if (!append(json.skip())) return false;
  }
  return true;
}

/// An object or a list, as `brackets` say, with a member on each line.
GLOSS_COLD inline std::string json_block(std::string_view brackets, const std::vector<std::string>& members) {
  if (members.empty()) return std::string(brackets);
  std::string lines;
  for (const std::string& member : members) lines += (lines.empty() ? "\n" : ",\n") + member;
  std::string out(1, brackets[0]);
  for (const char c : lines) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out + '\n' + brackets[1];
}

/// Adds a member; an optional that is empty, a text and a list too, are left out.
template <class F>
void put_field(std::vector<std::string>& members, const char* name, F& field);

/// A field as JSON.
template <class F>
std::string field_json(F& field) {
  std::vector<std::string> members;
  if constexpr (std::same_as<F, std::string>) {
    return json_quoted(field);
  } else if constexpr (HasFields<F>) {
    field.fields([&](const char* name, auto& inner) { put_field(members, name, inner); });
    return json_block("{}", members);
  } else if constexpr (requires { field.size(); }) {
    for (typename F::value_type item : field) members.push_back(field_json(item));
    return json_block("[]", members);
  } else {
    std::string number;
    append_part(number, field);
    if constexpr (std::floating_point<F>) {
      if (field - field != 0) return "null";  // JSON has no infinity
      if (number.find_first_not_of("-0123456789") == number.npos) number += ".0";
    }
    return number;
  }
}
template <class F>
void put_field(std::vector<std::string>& members, const char* name, F& field) {
  const std::string key = json_quoted(name) + ": ";
  if constexpr (requires { field.emplace(); }) {
    if (field) members.push_back(key + field_json(*field));
  } else if constexpr (requires { field.empty(); }) {
    if (!field.empty()) members.push_back(key + field_json(field));
  } else {
    members.push_back(key + field_json(field));
  }
}

}  // namespace detail

/// Reads config.json's text into a model's Config. What it does not say, or says to be null, keeps the Config's
/// default; what the Config does not have is passed over. num_labels is the number of labels in id2label, if it is not
/// said.
/// Errors: LoadError naming the file for what is no JSON, another model_type, and a field of another type; Error, as
/// Config::check, for what the model cannot be.
/// transformers: PretrainedConfig.from_json_file
template <class Config>
GLOSS_COLD Config parse_config(const std::string& text, const std::string& file = "config.json") {
  const detail::JsonMembers json = detail::config_members(text, file);
  const std::string_view type = detail::member(json, "model_type");
  if (std::string name; !type.empty() && (!detail::read_field(type, name) || name != Config::model_type))
    fail<LoadError>("read_config: ", file, ": model_type is ", type.substr(0, 100), ", ", Config::model_type,
                    " is wanted");
  Config config;
  config.fields([&]<class F>(const char* name, F& field) {
    const std::string_view value = detail::member(json, name);
    if (value.empty() || value == "null") {
      const std::string_view labels = detail::member(json, "id2label");
      if constexpr (std::integral<F>)
        if (std::string_view(name) == "num_labels" && labels.starts_with('{'))
          field = static_cast<F>(detail::json_members(labels).size());
    } else if (!detail::read_field(value, field)) {
      fail<LoadError>("read_config: ", file, ": ", name, " is ", value.substr(0, 100),
                      ", which has another type than this model's");
    }
  });
  config.check();
  return config;
}

/// The same of a file. Errors: Error when it cannot be read, and as parse_config.
template <class Config>
GLOSS_COLD Config read_config(const std::string& path) {
  return parse_config<Config>(read_file(path, std::uint64_t{1} << 26), path);
}

/// The text of a config.json: `architecture`, the class of transformers that loads it, and all fields.
template <class Config>
GLOSS_COLD std::string config_json(Config config, std::string_view architecture) {
  std::vector<std::string> members = {"\"architectures\": " + detail::json_block("[]", {json_quoted(architecture)}),
                                      "\"model_type\": " + json_quoted(Config::model_type)};
  config.fields([&]<class F>(const char* name, F& field) {
    if (std::string_view(name) == "num_labels") {
      std::vector<std::string> to_label, to_id;
      if constexpr (std::integral<F>)
        for (Index i = 0; i < static_cast<Index>(field); ++i) {
          const std::string id = std::to_string(i), label = "\"LABEL_" + id + '"';
          to_label.push_back('"' + id + "\": " + label);
          to_id.push_back(label + ": " + id);
        }
      members.push_back("\"id2label\": " + detail::json_block("{}", to_label));
      members.push_back("\"label2id\": " + detail::json_block("{}", to_id));
    } else {
      detail::put_field(members, name, field);
    }
  });
  return detail::json_block("{}", members) + "\n";
}

}  // namespace gloss::inline GLOSS_ABI::io
