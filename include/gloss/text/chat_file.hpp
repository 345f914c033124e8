// The chat template of a pretrained model's folder. Needs nlohmann-json.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include <gloss/core/file.hpp>
#include <gloss/text/chat.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// The template that tokenizer_config.json in a folder has, or chat_template.jinja beside it; of several the one that
/// is named "default".
/// Errors: LoadError when tokenizer_config.json cannot be read, is damaged or has no template, and as ChatTemplate.
GLOSS_LAZY ChatTemplate load_chat_template(const std::string& folder) {
  const std::string path = folder + "/tokenizer_config.json", beside = folder + "/chat_template.jinja";
  const nlohmann::json config = nlohmann::json::parse(read_file(path, std::uint64_t{1} << 26), nullptr, false);
  if (!config.is_object()) fail<LoadError>("load_chat_template: ", path, ": it is not a JSON object");
  const auto text_of = [](const nlohmann::json& json, const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  std::string jinja = text_of(config, "chat_template");
  if (const auto list = config.find("chat_template"); list != config.end() && list->is_array())
    for (const nlohmann::json& one : *list)
      if (text_of(one, "name") == "default") jinja = text_of(one, "template");
  if (std::filesystem::exists(beside)) jinja = read_file(beside, std::uint64_t{1} << 26);
  if (jinja.empty()) fail<LoadError>("load_chat_template: ", path, ": there is no chat_template");
  std::string bos = text_of(config, "bos_token");
  if (const auto token = config.find("bos_token"); bos.empty() && token != config.end())
    bos = text_of(*token, "content");
  return ChatTemplate(jinja, bos, "load_chat_template: " + path);
}

}  // namespace gloss::inline GLOSS_ABI::text
