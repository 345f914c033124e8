// save_models FOLDER: a folder for each model that gloss writes (io::save_pretrained), of random weights and small sizes,
// with golden.safetensors: what went in (in/) and what came out (out/). check_saved_models.py reads them in Python.
#include <cstdio>
#include <string>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/albert_heads.hpp>
#include <gloss/models/bert_heads.hpp>
#include <gloss/models/gpt2.hpp>
#include <gloss/models/llama.hpp>
#include <gloss/models/t5.hpp>

using namespace gloss;
using Ids = Tensor<std::int64_t>;

namespace {

std::string folder;
const Ids ids = {{2, 7, 5, 19, 3, 8, 3}, {2, 11, 4, 3, 0, 0, 0}}, mask = cast<std::int64_t>(ids != 0),
          types = {{0, 0, 0, 0, 0, 1, 1}, {0, 0, 1, 1, 0, 0, 0}}, answer = {{0, 4, 9, 1}, {0, 17, 2, 6}};

/// Every weight away from 0 and 1, also biases and norms; then the folder. f(model) gives names and outputs.
template <class M, class F>
void save(M model, const std::vector<std::pair<std::string, Ids>>& inputs, F f) {
  for (const Tensor<float>& p : model.parameters()) p.detach().copy_(p.detach() + 0.2f * randn<float>(p.shape()));
  model.eval();
  const NoGradGuard no_grad;
  std::vector<io::NamedTensor> golden;
  for (const auto& [name, tensor] : inputs) golden.emplace_back("in/" + name, tensor);
  for (const auto& [name, tensor] : f(model)) golden.emplace_back("out/" + name, tensor);
  const std::string path = folder + "/" + std::string(M::architecture);
  io::save_pretrained(model, path);
  io::save_safetensors(path + "/golden.safetensors", golden);
}

using Outputs = std::vector<std::pair<std::string, Tensor<float>>>;

template <template <class> class Base>
void save_encoder(const typename Base<float>::Config& c) {
  save(Base<float>(c), {{"input_ids", ids}, {"attention_mask", mask}, {"token_type_ids", types}}, [](const auto& m) {
    const auto y = m({ids, mask, types});
    return Outputs{{"last_hidden_state", y.last_hidden_state}, {"pooler_output", y.pooler_output}};
  });
}
template <class M>
void save_head(const typename M::Config& c) {
  save(M(c), {{"input_ids", ids}, {"attention_mask", mask}, {"token_type_ids", types}}, [](const M& m) {
    const auto y = m({ids, mask, types});
    if constexpr (requires { y.start_logits; })
      return Outputs{{"start_logits", y.start_logits}, {"end_logits", y.end_logits}};
    else if constexpr (requires { y.seq_relationship_logits; })
      return Outputs{{"prediction_logits", y.prediction_logits},
                     {"seq_relationship_logits", y.seq_relationship_logits}};
    else if constexpr (requires { y.sop_logits; })
      return Outputs{{"prediction_logits", y.prediction_logits}, {"sop_logits", y.sop_logits}};
    else
      return Outputs{{"logits", y}};
  });
}
template <class M>
void save_choice(const typename M::Config& c) {
  const auto choices = [](const Ids& x) { return x.unsqueeze(0); };
  save(M(c), {{"input_ids", choices(ids)}, {"attention_mask", choices(mask)}, {"token_type_ids", choices(types)}},
       [&](const M& m) {
         return Outputs{{"logits", m({choices(ids), choices(mask), choices(types)})}};
       });
}
template <class M>
void save_causal(const typename M::Config& c) {
  save(M(c), {{"input_ids", ids}, {"attention_mask", mask}}, [](const M& m) {
    return Outputs{{"logits", m(ids, mask)}};
  });
}

template <class Config>
Config small_llama() {
  Config c;
  c.vocab_size = 20, c.hidden_size = 8, c.intermediate_size = 12, c.num_hidden_layers = 2, c.num_attention_heads = 4;
  c.num_key_value_heads = 2, c.head_dim = 4, c.max_position_embeddings = 16, c.initializer_range = 0.2;
  return c;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "save_models FOLDER\n");
    return 2;
  }
  folder = argv[1];
  manual_seed(1);
  using namespace models;
  const BertConfig bert{.vocab_size = 20,
                        .hidden_size = 8,
                        .num_hidden_layers = 2,
                        .num_attention_heads = 2,
                        .intermediate_size = 12,
                        .max_position_embeddings = 10,
                        .initializer_range = 0.2,
                        .num_labels = 3};
  save_encoder<BertModel>(bert);
  save_head<BertForMaskedLM<float>>(bert);
  save_head<BertForPreTraining<float>>(bert);
  save_head<BertForNextSentencePrediction<float>>(bert);
  save_head<BertForSequenceClassification<float>>(bert);
  save_head<BertForTokenClassification<float>>(bert);
  BertConfig two = bert;
  two.num_labels = 2;
  save_head<BertForQuestionAnswering<float>>(two);
  save_choice<BertForMultipleChoice<float>>(bert);

  AlbertConfig albert{.vocab_size = 20,
                      .embedding_size = 6,
                      .hidden_size = 8,
                      .num_hidden_layers = 4,
                      .num_hidden_groups = 2,
                      .num_attention_heads = 2,
                      .intermediate_size = 12,
                      .max_position_embeddings = 10,
                      .initializer_range = 0.2,
                      .num_labels = 3};
  save_encoder<AlbertModel>(albert);
  save_head<AlbertForMaskedLM<float>>(albert);
  save_head<AlbertForPreTraining<float>>(albert);
  save_head<AlbertForSequenceClassification<float>>(albert);
  save_head<AlbertForTokenClassification<float>>(albert);
  albert.num_labels = 2;
  save_head<AlbertForQuestionAnswering<float>>(albert);
  save_choice<AlbertForMultipleChoice<float>>(albert);

  save_causal<Gpt2LMHeadModel<float>>(
      {.vocab_size = 20, .n_positions = 16, .n_embd = 8, .n_layer = 2, .n_head = 2, .initializer_range = 0.2});
  save_causal<LlamaForCausalLM<float>>(small_llama<LlamaConfig>());
  save_causal<Qwen2ForCausalLM<float>>(small_llama<Qwen2Config>());
  save_causal<Qwen3ForCausalLM<float>>(small_llama<Qwen3Config>());
  const T5Config t5{.vocab_size = 20, .d_model = 8, .d_kv = 3, .d_ff = 12, .num_layers = 2, .num_heads = 2};
  save(T5ForConditionalGeneration<float>(t5),
       {{"input_ids", ids}, {"attention_mask", mask}, {"decoder_input_ids", answer}}, [](const auto& m) {
         return Outputs{{"logits", m(ids, mask, answer)}};
       });
}
