// ResNet against transformers', and against one that is written out with torchvision's names.
#include <gloss/io/module_file.hpp>
#include <gloss/models/resnet.hpp>
#include <gloss/models/resnet_norm.hpp>
#include <gloss/nn/check.hpp>
#include <gloss/nn/freeze.hpp>
#include <gloss/nn/taps.hpp>

#include "support/model_golden.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class T>
void check_classifier(const std::string& name) {
  INFO(name);
  ModelGolden<models::ResNetForImageClassification<T>> g(name);
  const Tensor<T> x = g.numbers("pixel_values");
  {
    const NoGradGuard no_grad;  // norms and rectifiers in one pass
    if (name != "resnet_training") g.check("logits", g.model(x));
  }
  g.check_saved();
  if (name == "resnet_training") g.model.train();
  g.check_loss(g.model.loss(x, g.ids("labels")));
  if (name != "resnet_training") g.check("logits", g.model(x));
}

/// The file of torchvision's names, and its numbers.
template <class T>
void check_torchvision(const std::string& name, models::ResNetConfig config) {
  INFO(name);
  config.embedding_size = 4, config.depths = {1, 1, 1, 2}, config.num_labels = 3;
  config.frozen_batch_norm = config.dilation = true;
  models::ResNetForImageClassification<T> model(config);
  io::load(model, GLOSS_TEST_DATA "/models/" + name + "/model.safetensors");
  CHECK(model.is_training());  // in which frozen norms are what they are
  const gloss_test::Golden golden("models/" + name + "/golden.safetensors");
  const auto number = [&](const std::string& key) { return cast<T>(golden.template tensor<double>(key)); };
  const auto is = [&](const std::string& key, const Tensor<T>& y, double limit) {
    INFO(key);
    const Tensor<double> wanted = golden.template tensor<double>(key);
    REQUIRE(y.shape() == wanted.shape());
    const double most = amax(abs(wanted)).item();
    CHECK(amax(abs(cast<double>(y.detach()) - wanted)).item() <= (sizeof(T) == 4 ? limit : 1e-9) * most);
  };
  const Tensor<T> x = number("in/pixel_values"), logits = model(x);
  const std::vector<Tensor<T>> maps = model.features(x);
  REQUIRE(maps.size() == 4);
  Tensor<T> loss = sum(logits * number("in/w_logits"));
  is("out/logits", logits, 1e-5);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string stage = "C" + std::to_string(i + 2);
    is("out/" + stage, maps[i], 1e-5);
    loss = loss + sum(maps[i] * number("in/w_" + stage));
  }
  is("loss", loss, 1e-5);
  loss.backward();
  Index found = 0, wanted = 0;
  for (const auto& [key, p] : model.named_parameters()) is("grad/" + key, p.grad(), 1e-4), ++found;
  for (const auto& t : golden.file().tensors()) wanted += t.name.starts_with("grad/") ? 1 : 0;
  CHECK(found == wanted);
}

models::ResNetConfig tiny() {
  return {.embedding_size = 4, .hidden_sizes = {4, 6}, .depths = {2, 1}, .layer_type = "basic", .num_labels = 3};
}

}  // namespace

TEST_CASE("resnet: it is transformers', in training too") {
  for (const char* name : {"resnet", "resnet_bottleneck", "resnet_training"}) {
    check_classifier<float>(name);
    check_classifier<double>(name);
  }
}

TEST_CASE("resnet: torchvision's files and maps, frozen norms, a dilated last stage") {
  models::ResNetConfig bottleneck{.hidden_sizes = {8, 8, 12, 16}};
  models::ResNetConfig basic{.hidden_sizes = {4, 4, 6, 8}, .layer_type = "basic"};
  check_torchvision<float>("resnet_torchvision", bottleneck);
  check_torchvision<double>("resnet_torchvision", bottleneck);
  check_torchvision<float>("resnet_torchvision_basic", basic);
  check_torchvision<double>("resnet_torchvision_basic", basic);
}

TEST_CASE("resnet: the sizes of the paper") {
  const Index parameters[] = {11689512, 21797672, 25557032, 44549160};
  std::size_t i = 0;
  for (const Index layers : {18, 34, 50, 101})
    CHECK(models::ResNetForImageClassification<float>(models::ResNetConfig::of_layers(layers)).num_parameters() ==
          parameters[i++]);
}

TEST_CASE("resnet: one pass for norm and rectifier gives the same, and tells it to who listens") {
  for (const bool frozen : {false, true}) {
    models::ResNetConfig c = tiny();
    c.frozen_batch_norm = frozen;
    models::ResNetBackbone<double> model(c);
    nn::check(model);
    model.train();
    if (!frozen) model(randn<double>({4, 3, 20, 24}));  // moves the statistics
    model.eval();
    const Tensor<double> x = randn<double>({2, 3, 21, 19}), y = model(x);
    CHECK(y.requires_grad());
    const NoGradGuard no_grad;
    CHECK(allclose(model(x), y, {.rtol = 1e-12, .atol = 1e-12}));
    const Tensor<double> kept = x.clone();
    model(x);
    CHECK(equal(x, kept));
    nn::Taps taps(model, {"bn1"});
    const Tensor<double> heard = model(x);
    CHECK(allclose(heard, y, {.rtol = 1e-12, .atol = 1e-12}));
    CHECK(amin(taps["bn1"]).item() < 0);  // before the rectifier
  }
}

TEST_CASE("resnet: NaN stays NaN in one pass too, and any number of threads gives the same bits") {
  models::ResNetBackbone<float> model(tiny());
  model.eval();
  const NoGradGuard no_grad;
  const Tensor<float> x = randn<float>({3, 3, 33, 40});
  Tensor<float> one;
  for (const int n : {1, 2, 3}) {
    const gloss_test::Threads threads(n);
    const Tensor<float> y = model(x);
    if (n == 1) one = y;
    CHECK(equal(y, one));
  }
  x.at({0, 0, 0, 0}) = std::numeric_limits<float>::quiet_NaN();
  const float first = model(x).at({0, 0, 0, 0});
  CHECK(first != first);
}

TEST_CASE("resnet: blocks that begin as the identity") {
  models::ResNetConfig c = tiny();
  c.zero_init_residual = true;
  models::ResNetBackbone<float> model(c);
  CHECK(amax(abs(Tensor<float>(model.stages[0][1].bn2.trained->weight))).item() == 0);
  model.eval();
  const Tensor<float> x = relu(randn<float>({1, 4, 5, 6}));
  CHECK(equal(model.stages[0][1](x), x));
}

TEST_CASE("resnet: frozen norms have no parameters") {
  models::ResNetConfig c = tiny();
  c.frozen_batch_norm = true;
  models::ResNetBackbone<float> model(c);
  for (const auto& [name, p] : model.named_parameters()) CHECK(name.find("bn") == std::string::npos);
  CHECK(model.state_dict().size() > model.named_parameters().size());
  CHECK(nn::freeze(model, "layer1") == 4);
}

TEST_CASE("resnet: what does not fit is said") {
  models::ResNetBackbone<float> model(tiny());
  CHECK_ERROR(model(zeros<float>({1, 4, 9, 9})), ShapeError, "ResNet: x [1, 4, 9, 9] must be [n, 3, h, w]");
  CHECK_ERROR(model(zeros<float>({3, 9, 9})), ShapeError, "ResNet: x [3, 9, 9] must be [n, 3, h, w]");
  models::ResNetConfig c = tiny();
  c.layer_type = "basis";
  CHECK_ERROR(models::ResNetBackbone<float>(c), Error,
              "ResNetConfig: layer_type basis is neither basic nor bottleneck");
  c = tiny();
  c.depths = {1, 2, 3};
  CHECK_ERROR(models::ResNetBackbone<float>(c), Error,
              "ResNetConfig: 3 depths and 2 hidden_sizes; there is one of each for one to four stages");
  c.depths = {1, 0};
  CHECK_ERROR(models::ResNetBackbone<float>(c), Error, "ResNetConfig: a stage of 0 blocks");
  CHECK_ERROR(models::ResNetConfig::of_layers(20), Error,
              "ResNetConfig: 20 layers; there are ResNets of 18, 34, 50, 101 and 152");
}
