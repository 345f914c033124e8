// A model of the world's, GPT-2: from the config.json and the weights of a folder to the tokens that it says.
#include <filesystem>
#include <fstream>
#include <gloss/gloss.hpp>
#include <gloss/io/open_tensor_file.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/iostream.hpp>
#include <gloss/models/gpt2.hpp>
#include <iostream>

using namespace gloss;
using Gpt2 = models::Gpt2LMHeadModel<float>;

/// A folder as it is downloaded, with random weights: names without "transformer.", and no lm_head, which is tied.
void write_folder(const std::string& folder) {
  std::ofstream(folder + "/config.json") << R"({"model_type": "gpt2", "vocab_size": 40, "n_positions": 32,
    "n_embd": 24, "n_layer": 2, "n_head": 3, "activation_function": "gelu_new"})";
  std::vector<io::NamedTensor> tensors;
  const auto draw = [&](const std::string& name, const Shape& shape) {
    tensors.push_back({name, randn<float>(shape) / 3});
  };
  draw("wte.weight", {40, 24}), draw("wpe.weight", {32, 24}), draw("ln_f.weight", {24}), draw("ln_f.bias", {24});
  for (const std::string h : {"h.0.", "h.1."}) {
    draw(h + "ln_1.weight", {24}), draw(h + "ln_1.bias", {24}), draw(h + "attn.bias", {1, 1, 32, 32});
    draw(h + "attn.c_attn.weight", {24, 72}), draw(h + "attn.c_attn.bias", {72});
    draw(h + "attn.c_proj.weight", {24, 24}), draw(h + "attn.c_proj.bias", {24});
    draw(h + "ln_2.weight", {24}), draw(h + "ln_2.bias", {24});
    draw(h + "mlp.c_fc.weight", {24, 96}), draw(h + "mlp.c_fc.bias", {96});
    draw(h + "mlp.c_proj.weight", {96, 24}), draw(h + "mlp.c_proj.bias", {24});
  }
  io::save_safetensors(folder + "/model.safetensors", tensors);
}

int main() {
  const std::string folder = (std::filesystem::temp_directory_path() / "gloss_adding_a_model").string();
  std::filesystem::create_directories(folder);
  manual_seed(14);
  write_folder(folder);

  const Gpt2 model = io::from_pretrained<Gpt2>(folder);
  NoGradGuard no_grad;
  std::cout << model.num_parameters() << " numbers in " << model.config.n_layer << " blocks\n";
  std::cout << "scores behind a first token 7: " << model(Tensor<std::int64_t>{{7}}).select(1, 0).narrow(1, 0, 3)
            << "\n\n";

  decode::Tokens text{7, 1, 12};
  decode::CausalStepper stepper(model);
  for (const std::int64_t token :
       decode::generate(stepper, from_vector(text, {1, 3}), {.end = -1, .max_len = 8, .temperature = 0}))
    text.push_back(token);
  for (const std::int64_t token : text) std::cout << token << " ";

  // Without a cache, all at once: what the model says behind each position is what it has said.
  const Tensor<std::int64_t> ids = from_vector(text, {1, 11}), said = argmax(model(ids), -1);
  std::cout << "\nwithout a cache " << (equal(said.narrow(1, 2, 8), ids.narrow(1, 3, 8)) ? "the same" : "others")
            << "\n\n";

  // What does not fit a model of another size, in the file's names and the model's.
  models::Gpt2Config larger = model.config;
  larger.n_layer = 3, larger.n_positions = 64;
  Gpt2 other(larger);
  const nn::LoadReport report = io::load_state_dict<float>(
      other, io::open_tensor_file(folder), {.keys = Gpt2::keys(), .strict = false, .skip_wrong_shapes = true});
  for (const std::string& line : report.lines(4)) std::cout << line << "\n";
  for (const auto& [name, stored, wanted] : report.wrong_shape)
    std::cout << name << " " << stored << " " << wanted << "\n";

  // And back: a folder under their names, in their layout.
  io::save_pretrained(model, folder + "/ours");
  const io::TensorFile ours = io::open_tensor_file(folder + "/ours");
  std::cout << "\n" << ours.tensors().size() << " tensors saved, among them\n";
  for (const std::string name : {"transformer.wte.weight", "transformer.h.1.attn.c_attn.weight"})
    std::cout << name << " " << ours.entry(name).shape << "\n";
  std::filesystem::remove_all(folder);
}
