// Chat templates against transformers' (tests/golden/generate_chat.py).
#include <support/catch.hpp>

#include <nlohmann/json.hpp>

#include <gloss/text/chat.hpp>
#include <gloss/text/chat_file.hpp>
#include <support/temp_folder.hpp>
#include <support/tokenizer_golden.hpp>

using namespace gloss;
using text::ChatMessage;
using text::ChatTemplate;

namespace {

std::vector<ChatMessage> messages_of(const nlohmann::json& list) {
  std::vector<ChatMessage> messages;
  for (const auto& m : list) messages.push_back({m["role"], m["content"]});
  return messages;
}

const std::string plain =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const std::vector<ChatMessage> question = {{"user", "Why?"}};
const std::string asked = "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n";

}  // namespace

TEST_CASE("golden: a conversation is written as transformers writes it with the same template") {
  const auto golden = nlohmann::json::parse(read_file(gloss_test::tokenizer_path("chat.json")));
  REQUIRE(golden["cases"].size() == 36);
  for (const auto& c : golden["cases"]) {
    INFO(c.dump());
    const std::string name = c["template"];
    const ChatTemplate chat(golden["templates"][name].get<std::string>(), "<s>", name);
    CHECK(chat(messages_of(c["messages"]), c["add_generation_prompt"]) == c["text"].get<std::string>());
    const bool header = name == "header" || name == "dated";
    CHECK(chat.end_of_turn() == (header ? "<|eot_id|>" : "<|im_end|>"));
    CHECK(chat.date == (name == "dated" ? "26 Jul 2024" : ""));
  }
}

TEST_CASE("ChatTemplate: the date that a model is told can be another one") {
  const auto golden = nlohmann::json::parse(read_file(gloss_test::tokenizer_path("chat.json")));
  ChatTemplate chat(golden["templates"]["dated"].get<std::string>(), "<s>");
  chat.date = "1 Jan 2030";
  CHECK(chat(question, false) ==
        "<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 1 Jan "
        "2030\n\n"
        "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>");
}

TEST_CASE("ChatTemplate: another form is refused with what it has") {
  const auto refused = [](const std::string& jinja, const std::string& what) {
    CHECK_THROWS_WITH(ChatTemplate(jinja, "", "f"),
                      "f: the chat template " + what +
                          ", only those of ChatML's form (<|im_start|>) and of Llama 3's " +
                          "(<|start_header_id|>) are known");
  };
  refused("{{ '[INST] ' + m.content }}", "has [INST] as Llama 2's and Mistral's");
  refused("{{ '<start_of_turn>' }}", "has <start_of_turn> as Gemma's");
  refused("{{ '<|im_start|>user<|im_sep|>' + m.content + '<|im_end|>' }}", "has <|im_sep|> as Phi-4's");
  refused("{{ '<|user|>' }}", "has <|user|> as Zephyr's and Phi-3's");
  refused("{{ '<\uFF5CUser\uFF5C>' }}", "has <\uFF5CUser\uFF5C> as DeepSeek's");
  refused("{% for m in messages %}{{ m.content }}{% endfor %}",
          "begins with '{% for m in messages %}{{ m.content }}{%'");
  refused("", "begins with ''");
  CHECK_THROWS_WITH(ChatTemplate("{{ '<|im_start|>' + m.content + '<|im_end|>' }}", "", "f"),
                    "f: the chat template does not say how a reply begins");
  CHECK_THROWS_WITH(ChatTemplate(plain)({}), "ChatTemplate: there is no message");
  CHECK_THROWS_WITH(ChatTemplate(plain)({{"tool", "4"}}),
                    "ChatTemplate: the role 'tool' is none of system, user, assistant");
}

TEST_CASE("load_chat_template: from tokenizer_config.json in its forms, and chat_template.jinja before it") {
  const TempFolder temp;
  const std::string folder = temp.path.string(), path = temp.file("tokenizer_config.json");
  const auto read = [&](const nlohmann::json& config) {
    temp.write("tokenizer_config.json", config.dump());
    return text::load_chat_template(folder)(question);
  };
  CHECK(read({{"chat_template", plain}}) == asked);
  CHECK(read({{"chat_template", plain}, {"bos_token", "<s>"}}) == asked);
  const std::string with_bos = "{{ bos_token }}" + plain;
  CHECK(read({{"chat_template", with_bos}, {"bos_token", "<s>"}}) == "<s>" + asked);
  CHECK(read({{"chat_template", with_bos}, {"bos_token", {{"content", "<b>"}}}}) == "<b>" + asked);
  CHECK(read({{"chat_template", with_bos}, {"bos_token", nullptr}}) == asked);
  const nlohmann::json list = {{{"name", "tool_use"}, {"template", "[INST]"}},
                               {{"name", "default"}, {"template", plain}}};
  CHECK(read({{"chat_template", list}}) == asked);
  CHECK_THROWS_WITH(read({{"chat_template", nlohmann::json::array()}}),
                    "load_chat_template: " + path + ": there is no chat_template");
  CHECK_THROWS_WITH(read({{"chat_template", 3}}), "load_chat_template: " + path + ": there is no chat_template");
  CHECK_THROWS_WITH(read(nlohmann::json::array()), "load_chat_template: " + path + ": it is not a JSON object");
  temp.write("chat_template.jinja", with_bos);
  CHECK(read({{"chat_template", "[INST]"}, {"bos_token", "<s>"}}) == "<s>" + asked);
}
