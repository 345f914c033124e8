// Modules to and from safetensors files.
#include <gloss/io/module_file.hpp>
#include <gloss/nn/linear.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;

namespace {

template <Real T>
struct Counted final : nn::Module<T> {
  nn::Linear<T> layer{2, 3};
  nn::Buffer<std::int64_t> count{full<std::int64_t>({}, 0)};
  nn::Buffer<bool> mask{Tensor<bool>{true, false}};
  nn::Buffer<T> scratch{zeros<T>({2}), {.persistent = false}};
  void visit(nn::Visitor<T>& v) override {
    v("layer", layer);
    v("count", count);
    v("mask", mask);
    v("scratch", scratch);
  }
};

}  // namespace

TEST_CASE("io: a module is saved and loaded in one line each, with int64 and bool, as double where it was float") {
  const TempFolder folder;
  const std::string path = folder.file("model.safetensors");
  Counted<float> model;
  model.count.fill_(41);
  model.mask.fill_(true);
  io::save(model, path, {{"epoch", "3"}});
  CHECK(io::load_safetensors(path).metadata().at("epoch") == "3");
  CHECK(io::load_safetensors(path).tensors().size() == 4);
  CHECK(io::load_safetensors(path).entry("count").dtype == io::Dtype::I64);

  Counted<float> again;
  CHECK(io::load(again, path).complete());
  CHECK(same_bits(again.layer.weight.detach(), model.layer.weight.detach()));
  CHECK(again.count.item() == 41);
  CHECK(again.mask.at({1}));
  Counted<double> exact;
  CHECK(io::load(exact, path).complete());
  CHECK(exact.layer.weight.at({2, 1}) == static_cast<double>(model.layer.weight.at({2, 1})));
}

TEST_CASE("io: what does not fit is said with the file's name, all of it, and nothing changes") {
  const TempFolder folder;
  const std::string path = folder.file("model.safetensors");
  Counted<float> model;
  const Counted<float> before = model;
  io::save_safetensors(path, {{"layer.weight", ones<float>({2, 3})},
                              {"layer.beta", ones<float>({3})},
                              {"count", zeros<float>({})},
                              {"mask", Tensor<bool>{true, true}}});
  CHECK_ERROR(io::load(model, path), LoadError,
              "load_state_dict: " + path +
                  ": 4 problems, nothing was loaded\n"
                  "  layer.bias is missing; the nearest unexpected name is layer.beta\n"
                  "  layer.beta is unexpected; the nearest missing name is layer.bias\n"
                  "  layer.weight has shape [2, 3], the model's has [3, 2]\n"
                  "  count holds F32, which does not read as int64");
  CHECK(same_bits(model.layer.weight.detach(), before.layer.weight.detach()));
  CHECK(model.mask.at({1}) == false);
  CHECK_ERROR(io::load(model, path, {.strict = false, .skip_wrong_shapes = true}), LoadError,
              "load_state_dict: " + path + ": count holds F32, which does not read as int64");
}

TEST_CASE("io: without strict what is there is loaded, under a prefix, and the rest is reported") {
  const TempFolder folder;
  const std::string path = folder.file("model.safetensors");
  Counted<double> model;
  io::save_safetensors(path, {{"model.layer.bias", Tensor<float>{1, 2, 3}}, {"other", ones<float>({9})}});
  const nn::LoadReport report = io::load(model, path, {.prefix = "model.", .strict = false});
  CHECK(report.missing == std::vector<std::string>{"model.layer.weight", "model.count", "model.mask"});
  CHECK(report.unexpected.empty());
  CHECK(model.layer.bias.at({2}) == 3);
}
