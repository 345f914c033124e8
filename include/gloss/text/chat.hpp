// Conversations as a model was trained to read them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {

struct ChatMessage {
  std::string role;  ///< "system", "user" or "assistant"
  std::string content;
};

/// Writes a conversation in one of two forms. ChatML's, as SmolLM2 and Qwen have it, has turns
/// "<|im_start|>role\ncontent<|im_end|>\n", Llama 3's
/// "<|start_header_id|>role<|end_header_id|>\n\ncontent<|eot_id|>".
/// A model's template is a program in Jinja's language, which is not run: the form is known by its marks, and what else
/// belongs to it is taken from the strings in it. There are no tools.
/// Python: tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
class ChatTemplate {
 public:
  /// What Llama 3.1 and its kin are told to be today; as in the template unless it is set, "" where they are not told.
  std::string date;

  /// From the text of a template: chat_template in tokenizer_config.json, tokenizer.chat_template in a GGUF file.
  /// bos_token stands before everything if the template has it. `name` stands for the file in messages.
  /// Errors: LoadError for a template of another form, with the marks that it has.
  GLOSS_COLD explicit ChatTemplate(std::string_view jinja, std::string_view bos_token = "",
                                   std::string_view name = "chat_template")
      : form_(form_of(jinja, name)) {
    const auto has = [&](std::string_view part) { return jinja.find(part) != std::string_view::npos; };
    if (has("bos_token")) bos_ = bos_token;
    trims_ = has("content'] | trim") || has("content']|trim") || has("content | trim") || has("content|trim");
    drops_thoughts_ = has("</think>");
    if (has("Cutting Knowledge Date: December 2023"))
      if (const std::string_view set = "date_string = \""; has(set)) {
        const std::string_view rest = jinja.substr(jinja.find(set) + set.size());
        date = rest.substr(0, rest.find('"'));
      }
    const std::string system = form_.before + "system" + form_.behind_role, asks = form_.before + "assistant";
    for (std::size_t at = jinja.find(form_.before); at < jinja.size(); at = jinja.find(form_.before, at + 1)) {
      const std::string text = literal_at(jinja, at);
      const std::size_t end = text.find(form_.end_of_turn);
      if (text.starts_with(system) && end != std::string::npos)
        system_ = text.substr(system.size(), end - system.size());
      if (text.starts_with(asks) && at > jinja.rfind("add_generation_prompt") && prompt_.empty()) prompt_ = text;
    }
    if (prompt_.empty()) fail<LoadError>(name, ": the chat template does not say how a reply begins");
  }

  /// The conversation as one text, and the beginning of a reply if asked for. What the model is told to be where no
  /// message of the system begins it is as the template has it.
  /// Errors: Error for no message, and another role.
  std::string operator()(const std::vector<ChatMessage>& messages, bool add_generation_prompt = true) const {
    if (messages.empty()) fail<Error>("ChatTemplate: there is no message");
    std::string text = bos_;
    const bool has_system = messages[0].role == "system";
    const std::string dates = date.empty() ? "" : "Cutting Knowledge Date: December 2023\nToday Date: " + date + "\n\n";
    if (!has_system && (!system_.empty() || !date.empty())) add_turn(text, "system", dates + system_);
    for (const ChatMessage& message : messages) {
      if (message.role != "system" && message.role != "user" && message.role != "assistant")
        fail<Error>("ChatTemplate: the role '", message.role, "' is none of system, user, assistant");
      std::string content = message.content;
      if (const std::size_t end = content.rfind("</think>");
          drops_thoughts_ && message.role == "assistant" && end != std::string::npos) {
        content.erase(0, end + 8);
        content.erase(0, content.find_first_not_of('\n'));
      }
      if (trims_) content = trimmed(content);
      add_turn(text, message.role, &message == messages.data() && has_system ? dates + content : content);
    }
    return add_generation_prompt ? text + prompt_ : text;
  }
  /// The token with which a reply ends.
  const std::string& end_of_turn() const { return form_.end_of_turn; }

 private:
  /// A turn is before + role + behind_role + content + end_of_turn + behind.
  struct Form {
    std::string before, behind_role, end_of_turn, behind;
  };

  GLOSS_COLD static Form form_of(std::string_view jinja, std::string_view name) {
    const auto has = [&](std::string_view part) { return jinja.find(part) != std::string_view::npos; };
    static constexpr std::pair<std::string_view, const char*> others[] = {{"[INST]", "Llama 2's and Mistral's"},
                                                                          {"<start_of_turn>", "Gemma's"},
                                                                          {"<|im_sep|>", "Phi-4's"},
                                                                          {"<|user|>", "Zephyr's and Phi-3's"},
                                                                          {"<|User|>", "DeepSeek's"},
                                                                          {"<\uFF5CUser\uFF5C>", "DeepSeek's"},
                                                                          {"<|channel|>", "gpt-oss'"}};
    std::string what = "begins with '" + std::string(jinja.substr(0, 40)) + "'";
    bool other = false;
    for (const auto& [mark, whose] : others)
      if (!other && has(mark)) other = true, what = "has " + std::string(mark) + " as " + whose;
    if (!other && has("<|im_start|>") && has("<|im_end|>")) return {"<|im_start|>", "\n", "<|im_end|>", "\n"};
    if (!other && has("<|start_header_id|>") && has("<|end_header_id|>") && has("<|eot_id|>"))
      return {"<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>", ""};
    fail<LoadError>(name, ": the chat template ", what,
                    ", only those of ChatML's form (<|im_start|>) and of Llama 3's ",
                    "(<|start_header_id|>) are known");
  }
  /// The text of a string in the template that begins at `at`; "" where none does.
  GLOSS_COLD static std::string literal_at(std::string_view jinja, std::size_t at) {
    const char quote = at > 0 ? jinja[at - 1] : ' ';
    std::string text;
    if (quote != '\'' && quote != '"') return text;
    for (; at < jinja.size() && jinja[at] != quote; ++at) {
      const bool escaped = jinja[at] == '\\' && at + 1 < jinja.size();
      if (escaped) ++at;
      text += escaped && jinja[at] == 'n' ? '\n' : escaped && jinja[at] == 't' ? '\t' : jinja[at];
    }
    return text;
  }
  void add_turn(std::string& text, std::string_view role, std::string_view content) const {
    text.append(form_.before).append(role).append(form_.behind_role).append(content);
    text.append(form_.end_of_turn).append(form_.behind);
  }

  Form form_;
  std::string bos_, system_, prompt_;  // the prompt is what a reply begins with
  bool trims_ = false, drops_thoughts_ = false;
};

}  // namespace gloss::inline GLOSS_ABI::text
