// PyTorch's nn.Transformer: masks, attention weights, and checkpoints from and to PyTorch.
//   10_torch_transformer                        what the layers do, on a small model
//   10_torch_transformer load MODEL BATCH       loads a default-size model that PyTorch saved, and compares outputs
//   10_torch_transformer save MODEL BATCH       saves one for PyTorch, with a batch and its output
// scripts/exchange_transformer.py calls the last two and does PyTorch's part.
#include <filesystem>
#include <gloss/gloss.hpp>
#include <gloss/io/module_file.hpp>
#include <gloss/iostream.hpp>
#include <iostream>
#include <string>
#include <vector>

using namespace gloss;
using std::cout;

namespace {

void small_model(const std::string& folder) {
  Rng rng(1);
  const RngGuard guard(rng);
  nn::Transformer<float> model(8, 2, {.num_encoder_layers = 1,
                                      .num_decoder_layers = 1,
                                      .dim_feedforward = 16,
                                      .activation = "gelu",  // or a callable
                                      .batch_first = true,
                                      .norm_first = true});
  model.eval();
  const Tensor<float> src = randn<float>({2, 5, 8}), tgt = randn<float>({2, 4, 8});
  const Tensor<bool> padding = {{false, false, false, false, false}, {false, false, false, true, true}};  // true hides
  const Tensor<float> y = model(src, tgt, {.tgt_mask = nn::generate_square_subsequent_mask(4),
                                           .src_key_padding_mask = padding,
                                           .memory_key_padding_mask = padding});
  cout << y.shape() << ", " << model.num_parameters() << " parameters\n";

  // The weights are computed when they are asked for.
  const nn::MultiheadAttention<float>& attention = model.decoder.layers[0].multihead_attn;
  const auto [output, weights] = attention.with_weights(tgt, src, src, {.key_padding_mask = padding});
  cout << output.shape() << " " << weights.shape() << ", hidden: " << weights[1][0].slice(0, 3).detach() << "\n";

  const std::string path = folder + "/gloss-example-transformer.safetensors";
  io::save(model, path);  // model.load_state_dict(safetensors.torch.load_file(path)) in PyTorch
  nn::Transformer<float> again(8, 2, {.num_encoder_layers = 1,
                                      .num_decoder_layers = 1,
                                      .dim_feedforward = 16,
                                      .activation = "gelu",
                                      .batch_first = true,
                                      .norm_first = true});
  io::load(again, path);
  again.eval();
  const Tensor<float> z = again(src, tgt, {.tgt_mask = nn::generate_square_subsequent_mask(4),
                                           .src_key_padding_mask = padding,
                                           .memory_key_padding_mask = padding});
  cout << "loaded: " << amax(abs(y - z)).item() << " apart\n";
  std::filesystem::remove(path);
}

/// PyTorch's default model, its file, and what it makes of src and tgt.
int load(const std::string& model_file, const std::string& batch_file) {
  nn::Transformer<float> model;
  io::load(model, model_file);  // strict: every key, every shape, and nothing else
  model.eval();
  const io::TensorFile batch = io::load_safetensors(batch_file);
  const NoGradGuard no_grad;
  const Tensor<float> y = model(batch.tensor<float>("src"), batch.tensor<float>("tgt"),
                                {.tgt_mask = batch.tensor<float>("tgt_mask")});
  const float apart = amax(abs(y - batch.tensor<float>("output"))).item();
  cout << "gloss reads PyTorch's model: outputs " << apart << " apart\n";
  return apart < 1e-4f ? 0 : 1;
}
int save(const std::string& model_file, const std::string& batch_file) {
  nn::Transformer<float> model;
  model.eval();
  io::save(model, model_file);
  const NoGradGuard no_grad;
  const Tensor<float> src = randn<float>({10, 3, 512}), tgt = randn<float>({7, 3, 512}),
                      mask = nn::generate_square_subsequent_mask(7), y = model(src, tgt, {.tgt_mask = mask});
  io::save_safetensors(batch_file, {{"src", src}, {"tgt", tgt}, {"tgt_mask", mask}, {"output", y}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 3 && words[0] == "load") return load(words[1], words[2]);
  if (words.size() == 3 && words[0] == "save") return save(words[1], words[2]);
  small_model(std::filesystem::temp_directory_path().string());
}
