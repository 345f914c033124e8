// Any file of tensors, by what it is.
#include <gloss/io/npy.hpp>
#include <gloss/io/npz.hpp>
#include <gloss/io/open_tensor_file.hpp>
#include <gloss/io/torch_write.hpp>
#include <gloss/tensor/factories.hpp>

#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using io::open_tensor_file;

namespace {
Tensor<float> numbers() { return arange<float>(6).reshape({2, 3}); }
void check(const io::TensorFile& file, const std::string& name) {
  CHECK(gloss_test::same_bits(file.tensor<float>(name), numbers()));
}
}  // namespace

TEST_CASE("open_tensor_file: what a file is decides, not its name") {
  const TempFolder folder;
  const Tensor<float> x = numbers();
  const std::string path = folder.file("weights");
  io::save_safetensors(path, {{"x", x}});
  check(open_tensor_file(path), "x");
  io::save_torch_file(path, {{"x", x}});
  check(open_tensor_file(path), "x");
  io::save_npz(path, {{"x", x}});
  check(open_tensor_file(path), "x");
  io::save_npy(path, x);
  check(open_tensor_file(path), "");
  CHECK(open_tensor_file(GLOSS_TEST_DATA "/torch/legacy.pt").find("tied.a"));
  CHECK(open_tensor_file(GLOSS_TEST_DATA "/gguf/blocks.gguf").find("Q4_K"));
  folder.write("weights", "<html>");
  CHECK_ERROR(open_tensor_file(path), LoadError,
              "load_safetensors: " + path + ": not a safetensors file: it looks like HTML or XML");
}

TEST_CASE("open_tensor_file: a model in several files, and a folder with one") {
  const TempFolder folder;
  const Tensor<float> x = numbers();
  const auto index = [&](const std::string& map) {
    return folder.write("model.safetensors.index.json",
                        "{\"metadata\": {\"total_size\": 1}, \"weight_map\": " + map + "}");
  };
  io::save_safetensors(folder.file("a.safetensors"), {{"x", x}, {"both", zeros<float>({1})}}, {{"format", "pt"}});
  io::save_torch_file(folder.file("b.bin"), {{"y", x}, {"both", ones<float>({1})}, {"more", x}});
  const std::string path = index("{\"x\": \"a.safetensors\", \"y\": \"b.bin\", \"both\": \"b.bin\"}");
  for (const std::string& from : {path, folder.path.string()}) {
    const io::TensorFile file = open_tensor_file(from);
    CHECK(file.tensors().size() == 4);
    check(file, "x");
    check(file, "y");
    check(file, "more");
    CHECK(file.tensor<float>("both").item() == 1);
    CHECK(file.metadata().at("format") == "pt");
  }
  io::save_safetensors(folder.file("model.safetensors"), {{"whole", x}});
  check(open_tensor_file(folder.path.string()), "whole");

  const std::string begin = "open_tensor_file: " + path + ": ";
  index("{\"z\": \"a.safetensors\"}");
  CHECK_ERROR(open_tensor_file(path), LoadError, begin + "z: it is not in a.safetensors");
  index("{\"x\": 3}");
  CHECK_ERROR(open_tensor_file(path), LoadError, begin + "x: its file is not a name");
  for (const std::string name : {"../a.safetensors", "/a", "..", "", "c:a", "model.safetensors.index.json"}) {
    index("{\"x\": \"" + name + "\"}");
    if (name.size() < 20)
      CHECK_ERROR(open_tensor_file(path), LoadError, begin + "x: '" + name + "' is no file of its folder");
    if (name.size() > 20)  // itself: no circle
      CHECK_ERROR(open_tensor_file(path), LoadError,
                  "load_safetensors: " + path + ": not a safetensors file: it looks like JSON");
  }
  index("{\"x\": \"none\"}");
  CHECK_ERROR(open_tensor_file(path), LoadError, "read_file: " + folder.file("none") + ": No such file or directory");
  for (const std::string bytes :
       {"[]", "{}", "{\"weight_map\": []}", "{\"weight_map\"", "", "{\"weight_map\": {\"a\": 1e999}}"}) {
    folder.write("model.safetensors.index.json", bytes);
    CHECK_ERROR(open_tensor_file(path), LoadError, "open_tensor_file: " + path + ": it has no weight_map");
  }
  const TempFolder empty;
  CHECK_ERROR(open_tensor_file(empty.path.string()), LoadError,
              "open_tensor_file: " + empty.path.string() +
                  ": the folder has neither model.safetensors nor pytorch_model.bin nor an index of one");
}

TEST_CASE("open_tensor_file: a safetensors file whose size begins as a pickle does") {
  const TempFolder folder;
  const std::string path = folder.file("size_of_0x80");
  std::string padding;  // until the header has 128 bytes, whose size is 0x80 and seven zeros
  std::string bytes = io::to_safetensors({{"x", Tensor<float>{1, 2}}}, {{"padding", padding}});
  while (bytes[0] != '\x80') bytes = io::to_safetensors({{"x", Tensor<float>{1, 2}}}, {{"padding", padding += ' '}});
  io::write_file_atomically(path, bytes);
  CHECK(io::open_tensor_file(path).tensor<float>("x").data()[1] == 2);
}
