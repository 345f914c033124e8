// Tokenizers in GGUF files against those that they were made of (tests/golden/generate_gguf_tokenizers.py).
#include <support/catch.hpp>

#include <cstring>

#include <gloss/io/gguf.hpp>
#include <gloss/text/gguf_tokenizer.hpp>
#include <gloss/text/tokenizer_json.hpp>
#include <support/tokenizer_golden.hpp>

using namespace gloss;
using gloss_test::tokenizer_path;

namespace {

text::Pipeline load(const std::string& name) {
  return text::gguf_tokenizer(io::load_gguf(tokenizer_path(name + ".gguf")), name);
}

/// A GGUF file of these values, each with its key, type and bytes.
class Writer {
 public:
  Writer& text(const std::string& key, const std::string& value) { return add(key, 8, bytes_of(value)); }
  Writer& flag(const std::string& key, bool value) { return add(key, 7, std::string(1, value ? '\1' : '\0')); }
  Writer& number(const std::string& key, std::uint32_t value) { return add(key, 4, raw(value)); }
  Writer& texts(const std::string& key, const std::vector<std::string>& list) {
    std::string bytes = raw(std::uint32_t{8}) + raw(std::uint64_t{list.size()});
    for (const std::string& s : list) bytes += bytes_of(s);
    return add(key, 9, bytes);
  }
  template <class N>
  Writer& numbers(const std::string& key, std::uint32_t type, const std::vector<N>& list) {
    std::string bytes = raw(type) + raw(std::uint64_t{list.size()});
    for (const N& n : list) bytes += raw(n);
    return add(key, 9, bytes);
  }
  io::Gguf file() const {
    return io::Gguf("GGUF" + raw(std::uint32_t{3}) + raw(std::uint64_t{0}) + raw(count_) + values_, "f");
  }

 private:
  template <class N>
  static std::string raw(N n) {
    std::string bytes(sizeof n, '\0');
    std::memcpy(bytes.data(), &n, sizeof n);
    return bytes;
  }
  static std::string bytes_of(const std::string& s) { return raw(std::uint64_t{s.size()}) + s; }
  Writer& add(const std::string& key, std::uint32_t type, const std::string& bytes) {
    values_ += bytes_of(key) + raw(type) + bytes;
    ++count_;
    return *this;
  }
  std::string values_;
  std::uint64_t count_ = 0;
};

const std::string ggml = "tokenizer.ggml.";

Writer byte_level(const std::string& pre = "gpt-2") {
  Writer w;
  w.text(ggml + "model", "gpt2").text(ggml + "pre", pre).texts(ggml + "tokens", {"a", "b", "ab", "<|end|>"});
  return w.texts(ggml + "merges", {"a b"}).numbers<std::int32_t>(ggml + "token_type", 5, {1, 1, 1, 3});
}
Writer pieces() {
  Writer w;
  w.text(ggml + "model", "llama").texts(ggml + "tokens", {"<unk>", "<s>", "</s>", "\u2581", "a", "\u2581a"});
  w.numbers<std::int32_t>(ggml + "token_type", 5, {2, 3, 3, 1, 1, 1});
  return w.numbers<float>(ggml + "scores", 6, {0, 0, 0, -2, -3, -1});
}
using Ids = std::vector<Index>;

}  // namespace

TEST_CASE("gguf_tokenizer: ids and texts are those of the tokenizer that was converted") {
  for (const std::string name : {"gpt2", "smollm", "llama3", "qwen"}) {
    const text::Pipeline tokenizer = load(name), original = text::load_tokenizer(tokenizer_path(name + ".json"));
    CHECK(tokenizer.size() == original.size());
    int count = 0;
    for (const auto& expected : gloss_test::tokenizer_cases(name)) {
      if (expected.contains("pair")) continue;
      INFO(name << " " << expected.dump());
      const Ids ids = tokenizer(expected["text"].get<std::string>()).ids;
      CHECK(ids == expected["ids"].get<Ids>());
      CHECK(tokenizer.decode(ids) == expected["decoded"].get<std::string>());
      ++count;
    }
    CHECK(count == 60);
  }
  gloss_test::check_cases(load("llama_spm"), "llama_spm");
}

TEST_CASE("gguf_tokenizer: control tokens are found in texts, and what is around a text is as the file says") {
  const text::Pipeline spm = load("llama_spm");
  const Ids ids = spm("a<s>", {.add_special_tokens = false}).ids;
  CHECK(ids.back() == 1);
  CHECK(text::gguf_tokenizer(byte_level().file())("ab<|end|>b").ids == Ids{2, 3, 1});
  Writer around = byte_level();
  around.flag(ggml + "add_bos_token", true).flag(ggml + "add_eos_token", true);
  around.number(ggml + "bos_token_id", 3).number(ggml + "eos_token_id", 3);
  CHECK(text::gguf_tokenizer(around.file())("ab").ids == Ids{3, 2, 3});
  CHECK(text::gguf_tokenizer(around.file()).encode("ab") == Ids{2});
  CHECK(text::gguf_tokenizer(byte_level("llama-bpe").flag(ggml + "add_bos_token", false).file())("ab").ids == Ids{2});
  CHECK(text::gguf_tokenizer(pieces().file())("a").ids == Ids{1, 5});
  CHECK(text::gguf_tokenizer(pieces().flag(ggml + "add_space_prefix", false).file())("a").ids == Ids{1, 4});
  CHECK(
      text::gguf_tokenizer(pieces().flag(ggml + "add_bos_token", false).flag(ggml + "add_eos_token", true).file())("a")
          .ids == Ids{5, 2});
}

TEST_CASE("gguf_tokenizer: what is not known or damaged is said") {
  const auto says = [](const Writer& w, const std::string& text) {
    CHECK_THROWS_WITH(text::gguf_tokenizer(w.file(), "f"), text);
  };
  says(Writer(), "load_gguf: f: tokenizer.ggml.model: there is no value of this key");
  says(Writer().text(ggml + "model", "bert"),
       "gguf_tokenizer: f: tokenizer.ggml.model is 'bert', only gpt2 and llama are known");
  says(byte_level("default"), "gguf_tokenizer: f: tokenizer.ggml.pre is 'default', which is not known");
  says(Writer().text(ggml + "model", "gpt2").texts(ggml + "tokens", {}).texts(ggml + "merges", {}),
       "gguf_tokenizer: f: tokenizer.ggml.pre is '', which is not known");
  const auto with_merge = [](const std::string& merge) {
    Writer w;
    w.text(ggml + "model", "gpt2").text(ggml + "pre", "gpt-2").texts(ggml + "tokens", {"a", "b"});
    return w.texts(ggml + "merges", {merge});
  };
  says(with_merge("a b"), "gguf_tokenizer: f: the merge 'a b' is not of tokens that are there");
  says(with_merge("ab"), "gguf_tokenizer: f: the merge 'ab' is not of tokens that are there");
  says(with_merge(""), "gguf_tokenizer: f: the merge '' is not of tokens that are there");
  says(byte_level().flag(ggml + "add_bos_token", true), "gguf_tokenizer: f: there is no begin token");
  says(byte_level().flag(ggml + "add_eos_token", true).number(ggml + "eos_token_id", 4),
       "gguf_tokenizer: f: there is no end token");
  Writer types;
  types.text(ggml + "model", "gpt2").text(ggml + "pre", "gpt-2").texts(ggml + "tokens", {"a"});
  says(types.texts(ggml + "merges", {}).numbers<std::int32_t>(ggml + "token_type", 5, {1, 1}),
       "gguf_tokenizer: f: 1 tokens have 2 types");
  Writer scores;
  scores.text(ggml + "model", "llama").texts(ggml + "tokens", {"a"}).numbers<float>(ggml + "scores", 6, {});
  says(scores, "gguf_tokenizer: f: 1 pieces have 0 scores and 0 types");
  Writer unknown;
  unknown.text(ggml + "model", "llama").texts(ggml + "tokens", {"a"}).numbers<float>(ggml + "scores", 6, {0});
  says(unknown.numbers<std::int32_t>(ggml + "token_type", 5, {1}), "gguf_tokenizer: f: there is no unknown piece");
  says(pieces().number(ggml + "bos_token_id", 9), "gguf_tokenizer: f: there is no <s>");
}

TEST_CASE("gguf_chat_template: the template of the file, with its begin token") {
  const std::string jinja =
      "{{ bos_token }}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
      "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
  Writer w = byte_level();
  CHECK_THROWS_WITH(text::gguf_chat_template(w.file(), "f"),
                    "load_gguf: f: tokenizer.chat_template: there is no value of this key");
  w.text("tokenizer.chat_template", jinja);
  const std::vector<text::ChatMessage> question = {{"user", "Why?"}};
  CHECK(text::gguf_chat_template(w.file())(question, false) == "<|im_start|>user\nWhy?<|im_end|>\n");
  w.number(ggml + "bos_token_id", 3);
  CHECK(text::gguf_chat_template(w.file())(question, false) == "<|end|><|im_start|>user\nWhy?<|im_end|>\n");
}
