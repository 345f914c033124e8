// config.json of a pretrained model, to and from a model's Config. Needs nlohmann-json.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/core/shape.hpp>
#include <gloss/io/atomic_file.hpp>
#include <nlohmann/json.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {

/// A value of config.json as a field of a Config; false where it has another type.
template <class F>
bool read_field(const nlohmann::json& value, F& field) {
  if constexpr (std::same_as<F, bool>) {
    if (!value.is_boolean()) return false;
    field = value.get<bool>();
  } else if constexpr (std::integral<F>) {
    if (!value.is_number_integer()) return false;
    field = value.get<F>();
  } else if constexpr (std::floating_point<F>) {
    if (!value.is_number()) return false;
    field = value.get<F>();
  } else if constexpr (std::same_as<F, std::string>) {
    if (!value.is_string()) return false;
    field = value.get<std::string>();
  } else if constexpr (requires { field.fields([](const char*, auto&) {}); }) {  // an object within
    if (!value.is_object()) return false;
    bool fits = true;
    field.fields([&](const char* name, auto& inner) {
      if (const auto found = value.find(name); found != value.end() && !found->is_null())
        fits = fits && read_field(*found, inner);
    });
    return fits;
  } else if constexpr (requires { field.emplace(); }) {  // an optional
    return read_field(value, field.emplace());
  } else {  // a list; one value stands for a list of one
    field.clear();
    const auto append = [&](const nlohmann::json& item) {
      typename F::value_type one{};
      const bool fits = read_field(item, one);
      if (fits) field.push_back(std::move(one));
      return fits;
    };
    if (!value.is_array()) return append(value);
    for (const nlohmann::json& item : value)
      if (!append(item)) return false;
  }
  return true;
}

/// A field as JSON; an optional that is empty, a text and a list too, are left out.
template <class F>
void put_field(nlohmann::ordered_json& into, const char* name, F& field);

template <class F>
nlohmann::ordered_json field_json(F& field) {
  if constexpr (requires { field.fields([](const char*, auto&) {}); }) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    field.fields([&](const char* name, auto& inner) { put_field(json, name, inner); });
    return json;
  } else {
    return field;
  }
}
template <class F>
void put_field(nlohmann::ordered_json& into, const char* name, F& field) {
  if constexpr (requires { field.emplace(); }) {
    if (field) into[name] = field_json(*field);
  } else if constexpr (requires { field.empty(); }) {
    if (!field.empty()) into[name] = field;
  } else {
    into[name] = field_json(field);
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
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) fail<LoadError>("read_config: ", file, ": it is not a JSON object");
  const auto type = json.find("model_type");
  if (type != json.end() && (!type->is_string() || type->get_ref<const std::string&>() != Config::model_type))
    fail<LoadError>("read_config: ", file, ": model_type is ", type->dump().substr(0, 100), ", ", Config::model_type,
                    " is wanted");
  Config config;
  config.fields([&](const char* name, auto& field) {
    const auto found = json.find(name);
    if (found == json.end() || found->is_null()) {
      if constexpr (std::integral<std::remove_reference_t<decltype(field)>>)
        if (const auto labels = json.find("id2label");
            std::string_view(name) == "num_labels" && labels != json.end() && labels->is_object())
          field = static_cast<std::remove_reference_t<decltype(field)>>(labels->size());
      return;
    }
    if (!detail::read_field(*found, field))
      fail<LoadError>("read_config: ", file, ": ", name, " is ", found->dump().substr(0, 100),
                      ", which has another type than this model's");
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
  nlohmann::ordered_json json = {{"architectures", {architecture}}, {"model_type", Config::model_type}};
  config.fields([&](const char* name, auto& field) {
    if (std::string_view(name) == "num_labels") {
      nlohmann::ordered_json to_label = nlohmann::ordered_json::object(), to_id = to_label;
      if constexpr (std::integral<std::remove_reference_t<decltype(field)>>)
        for (Index i = 0; i < static_cast<Index>(field); ++i) {
          to_label[std::to_string(i)] = "LABEL_" + std::to_string(i);
          to_id["LABEL_" + std::to_string(i)] = i;
        }
      json["id2label"] = to_label, json["label2id"] = to_id;
    } else {
      detail::put_field(json, name, field);
    }
  });
  return json.dump(2) + "\n";
}

}  // namespace gloss::inline GLOSS_ABI::io
