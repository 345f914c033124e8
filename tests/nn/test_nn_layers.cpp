// Activations, tables, shapes and dropout against PyTorch: tests/golden/generate_nn_layers.py; and their errors.
#include <cmath>

#include <gloss/nn/drop_path.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/elu.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/flatten.hpp>
#include <gloss/nn/gelu.hpp>
#include <gloss/nn/glu.hpp>
#include <gloss/nn/hardtanh.hpp>
#include <gloss/nn/identity.hpp>
#include <gloss/nn/leaky_relu.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/mish.hpp>
#include <gloss/nn/relu.hpp>
#include <gloss/nn/rms_norm.hpp>
#include <gloss/nn/sigmoid.hpp>
#include <gloss/nn/silu.hpp>
#include <gloss/nn/softmax.hpp>
#include <gloss/nn/softplus.hpp>
#include <gloss/nn/swiglu.hpp>
#include <gloss/nn/tanh.hpp>
#include <gloss/ops/norm.hpp>

#include "support/layer_golden.hpp"

using namespace gloss;
using gloss_test::check_layers;
using gloss_test::Golden;
using gloss_test::LayerCase;
using gloss_test::same_bits;
using gloss_test::values;
using Ids = Tensor<std::int64_t>;

namespace {

const Golden& golden() {
  static const Golden file("nn_layers.safetensors");
  return file;
}
/// The layer without options.
#define CHECK_PLAIN(layer) \
  check_layers(golden(), #layer "/", []<class T>(const LayerCase<T>&) { return nn::layer<T>(); })

}  // namespace

TEST_CASE("layers: activations without options are PyTorch's") {
  CHECK_PLAIN(ReLU);
  CHECK_PLAIN(ReLU6);
  CHECK_PLAIN(SiLU);
  CHECK_PLAIN(Mish);
  CHECK_PLAIN(Sigmoid);
  CHECK_PLAIN(Tanh);
  CHECK_PLAIN(LogSigmoid);
  CHECK_PLAIN(Hardswish);
  CHECK_PLAIN(SELU);
  CHECK_PLAIN(Identity);
  CHECK_PLAIN(Softmax2d);
  CHECK(values(nn::Hardsigmoid<double>()(Tensor<double>{-4, -1.5, 0, 3, 9})) ==
        std::vector<double>{0, 0.25, 0.5, 1, 1});
}

TEST_CASE("layers: activations with every option are PyTorch's") {
  check_layers(golden(), "GELU/", []<class T>(const LayerCase<T>& c) {
    return nn::GELU<T>(c.flag("tanh", false) ? GeluKind::tanh : GeluKind::exact);
  });
  check_layers(golden(), "LeakyReLU/",
               []<class T>(const LayerCase<T>& c) { return nn::LeakyReLU<T>(c.real("negative_slope", 0)); });
  check_layers(golden(), "ELU/", []<class T>(const LayerCase<T>& c) { return nn::ELU<T>(c.real("alpha", 0)); });
  check_layers(golden(), "CELU/", []<class T>(const LayerCase<T>& c) { return nn::CELU<T>(c.real("alpha", 0)); });
  check_layers(golden(), "Softplus/", []<class T>(const LayerCase<T>& c) {
    if (c.has_option("beta")) return nn::Softplus<T>({.beta = c.real("beta", 0)});
    if (c.has_option("threshold")) return nn::Softplus<T>({.threshold = c.real("threshold", 0)});
    return nn::Softplus<T>();
  });
  check_layers(golden(), "Hardtanh/", []<class T>(const LayerCase<T>& c) {
    return nn::Hardtanh<T>(c.real("min_val", -1), c.real("max_val", 1));
  });
  check_layers(golden(), "Softmax/", []<class T>(const LayerCase<T>& c) { return nn::Softmax<T>(c.integer("dim")); });
  check_layers(golden(), "Softmin/", []<class T>(const LayerCase<T>& c) { return nn::Softmin<T>(c.integer("dim")); });
  check_layers(golden(), "LogSoftmax/",
               []<class T>(const LayerCase<T>& c) { return nn::LogSoftmax<T>(c.integer("dim")); });
  check_layers(golden(), "GLU/", []<class T>(const LayerCase<T>& c) { return nn::GLU<T>(c.integer("dim")); });
  check_layers(golden(), "SwiGLU/",
               []<class T>(const LayerCase<T>& c) { return nn::SwiGLU<T>(3, 5, {.bias = c.flag("bias", false)}); });
}

TEST_CASE("layers: activations name what they cannot work with") {
  CHECK_ERROR(nn::CELU<float>(0), Error, "CELU: alpha is 0");
  CHECK_ERROR(nn::Hardtanh<float>(1, 1), Error, "Hardtanh: max_val 1 is not above min_val 1");
  CHECK_ERROR(nn::Softmax2d<float>()(zeros<float>({2, 3})), ShapeError, "Softmax2d: x [2, 3] has neither 3 nor 4 axes");
  CHECK_ERROR(nn::Softmax<float>(2)(zeros<float>({2, 3})), IndexError, "softmax: axis 2 is out of range for 2 axes");
  CHECK_ERROR(nn::GLU<float>()(zeros<float>({2, 3})), ShapeError, "glu: the size of axis -1 of x [2, 3] is odd");
  CHECK_ERROR(nn::SwiGLU<float>(3, 5)(zeros<float>({2, 4})), ShapeError,
              "linear: x [2, 4] does not end in in_features of weight [5, 3]");
  CHECK_ERROR(nn::SwiGLU<float>(3, -5), ShapeError, "Linear: negative size: in_features 3, out_features -5");
}

TEST_CASE("layers: flattening and dropout without a draw are PyTorch's; wrong axes are named") {
  check_layers(golden(), "Flatten/", []<class T>(const LayerCase<T>& c) {
    return c.name() == "Flatten/default" ? nn::Flatten<T>() : nn::Flatten<T>(c.integer("start"), c.integer("end"));
  });
  check_layers(golden(), "Unflatten/",
               []<class T>(const LayerCase<T>& c) { return nn::Unflatten<T>(c.integer("dim"), c.shape("sizes")); });
  check_layers(golden(), "Dropout/", []<class T>(const LayerCase<T>& c) { return nn::Dropout<T>(c.real("p", 0.4)); });
  check_layers(golden(), "Dropout1d/",
               []<class T>(const LayerCase<T>& c) { return nn::Dropout1d<T>(c.real("p", 0.4)); });
  check_layers(golden(), "Dropout2d/",
               []<class T>(const LayerCase<T>& c) { return nn::Dropout2d<T>(c.real("p", 0.4)); });
  const auto x = zeros<float>({2, 3});
  CHECK_ERROR(nn::Flatten<float>(2)(x), IndexError, "flatten: axis 2 is out of range for 2 axes");
  CHECK_ERROR(nn::Flatten<float>(1, 0)(x), IndexError, "flatten: start axis 1 comes after end axis 0");
  CHECK_ERROR(nn::Unflatten<float>(1, {2, 2})(x), ShapeError,
              "unflatten: shape [3] has 3 elements, which do not fill [2, 2]");
  CHECK_ERROR(nn::Dropout1d<float>()(zeros<float>({2})), ShapeError, "Dropout1d: x [2] has neither 2 nor 3 axes");
  CHECK_ERROR(nn::Dropout2d<float>()(x), ShapeError, "Dropout2d: x [2, 3] has neither 3 nor 4 axes");
  CHECK_ERROR(nn::Dropout1d<float>(2), Error, "Dropout1d: p 2 is not in [0, 1]");
  CHECK_ERROR(nn::Dropout2d<float>(-1), Error, "Dropout2d: p -1 is not in [0, 1]");
}

TEST_CASE("Dropout1d, Dropout2d, DropPath: drop whole channels and samples in training, nothing in evaluation") {
  Rng rng(6);
  const RngGuard use(rng);
  const auto check = [](const Tensor<double>& rows, double p) {  // [parts, elements of one part]
    Index kept = 0;
    for (Index i = 0; i < rows.size(0); ++i) {
      const double v = rows.at({i, 0});
      CHECK((v == 0 || v == 1 / (1 - p)));
      for (Index k = 1; k < rows.size(1); ++k) CHECK(rows.at({i, k}) == v);
      kept += v != 0;
    }
    const auto n = static_cast<double>(rows.size(0));
    CHECK(std::abs(static_cast<double>(kept) / n - (1 - p)) < 4 * std::sqrt(p * (1 - p) / n));
  };
  const nn::Dropout1d<double> one(0.3);
  check(one(ones<double>({20, 50, 3})).view({1000, 3}), 0.3);
  check(one(ones<double>({1000, 3})), 0.3);
  check(nn::Dropout2d<double>(0.3)(ones<double>({20, 50, 2, 2})).view({1000, 4}), 0.3);
  check(nn::DropPath<double>(0.3)(ones<double>({1000, 2, 2})).view({1000, 4}), 0.3);
  const auto plain = values(nn::DropPath<double>(0.3, {.scale_by_keep = false})(ones<double>({1000})));
  const auto kept = std::count(plain.begin(), plain.end(), 1.0);
  CHECK(kept + std::count(plain.begin(), plain.end(), 0.0) == 1000);
  CHECK(std::abs(static_cast<double>(kept) - 700) < 60);
  nn::DropPath<double> path(0.3), none;
  path.eval();
  const auto x = randn<double>({3, 2});
  CHECK(path(x).is_same(x));
  CHECK(none(x).is_same(x));
  CHECK_ERROR(nn::DropPath<double>(1.01), Error, "DropPath: drop_prob 1.01 is not in [0, 1]");
  CHECK_ERROR(nn::DropPath<double>(0.5)(scalar<double>(1)), ShapeError, "drop_path: a scalar has no samples");
}

TEST_CASE("layers: Linear and Embedding with every option are PyTorch's") {
  check_layers(golden(), "Linear/",
               []<class T>(const LayerCase<T>& c) { return nn::Linear<T>(3, 4, {.bias = c.flag("bias", true)}); });
  check_layers(
      golden(), "Embedding/",
      []<class T>(const LayerCase<T>& c) {
        return nn::Embedding<T>(6, 3,
                                {.padding_idx = c.integer("padding_idx", no_index),
                                 .max_norm = c.real("max_norm", INFINITY),
                                 .norm_type = c.real("norm_type", 2),
                                 .scale_grad_by_freq = c.flag("scale_grad_by_freq", false)});
      },
      [](const auto& layer, auto& c) { return layer(c.ids(0)); });
}

TEST_CASE("Embedding: the row of padding starts as 0; a pretrained table is frozen unless it is said otherwise") {
  const nn::Embedding<float> lut(5, 3, {.padding_idx = -2});
  CHECK(norm(lut.weight.detach()[3]).item() == 0);
  CHECK(norm(lut.weight.detach()[2]).item() > 0);
  const auto table = randn<float>({4, 2});
  const auto frozen = nn::Embedding<float>::from_pretrained(table);
  const auto trained = nn::Embedding<float>::from_pretrained(table, false, {.padding_idx = 0});
  CHECK_FALSE(frozen.weight.requires_grad());
  CHECK(trained.weight.requires_grad());
  CHECK(same_bits(trained.weight.detach(), table));  // padding is not cleared, as in PyTorch
  CHECK_FALSE(frozen.weight.data() == table.data());
  CHECK(same_bits(frozen(Ids{2, 1})[0], table[2]));
  const nn::Embedding<float> copy = frozen;
  CHECK_FALSE(copy.weight.requires_grad());
  CHECK_ERROR(nn::Embedding<float>::from_pretrained(zeros<float>({3})), ShapeError,
              "Embedding: embeddings have shape [3], a matrix is wanted");
  CHECK_ERROR(nn::Embedding<float>(5, 3, {.padding_idx = 5}), IndexError,
              "Embedding: padding_idx 5 is out of range for 5 embeddings");
  CHECK_ERROR(nn::Embedding<float>(5, 3, {.padding_idx = -6}), IndexError,
              "Embedding: padding_idx -6 is out of range for 5 embeddings");
}

TEST_CASE("layers: LayerNorm and RMSNorm with every option are PyTorch's; sizes that do not fit are named") {
  check_layers(golden(), "LayerNorm/", []<class T>(const LayerCase<T>& c) {
    return nn::LayerNorm<T>(
        c.shape("sizes"),
        {.eps = c.real("eps", 1e-5), .elementwise_affine = c.flag("affine", true), .bias = c.flag("bias", true)});
  });
  check_layers(golden(), "RMSNorm/", []<class T>(const LayerCase<T>& c) {
    return nn::RMSNorm<T>(c.shape("sizes"),
                          {.eps = c.real("eps", 2.220446049250313e-16), .elementwise_affine = c.flag("affine", true)});
  });
  const nn::RMSNorm<float> norm(3);
  CHECK(norm.eps == Approx(1.1920929e-7));
  CHECK(nn::RMSNorm<double>({2, 3}).eps == 2.220446049250313e-16);
  CHECK(values(norm.weight.detach()) == std::vector<float>{1, 1, 1});
  CHECK_ERROR(norm(zeros<float>({3, 2})), ShapeError, "RMSNorm: x [3, 2] does not end in normalized_shape [3]");
  CHECK_ERROR((nn::LayerNorm<float>({2, 3})(zeros<float>({3}))), ShapeError,
              "LayerNorm: x [3] does not end in normalized_shape [2, 3]");
  CHECK_ERROR(nn::LayerNorm<float>(Shape{}), ShapeError, "LayerNorm: normalized_shape has no axis");
  CHECK_ERROR((nn::RMSNorm<float>({2, -3})), ShapeError, "RMSNorm: negative size in normalized_shape [2, -3]");
}
