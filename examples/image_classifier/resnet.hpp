// The model: a ResNet small enough to be trained on a CPU.
#pragma once

#include <vector>

#include <gloss/nn/batch_norm.hpp>
#include <gloss/nn/conv2d.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/pool.hpp>
#include <gloss/ops/relu.hpp>

/// y = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)), half as high and wide for a stride of 2.
/// Source: He et al. 2016.
template <gloss::Real T>
struct Block final : gloss::nn::Module<T> {
  gloss::nn::Conv2d<T> conv1, conv2, shortcut;
  gloss::nn::BatchNorm2d<T> bn1, bn2, bn_shortcut;

  Block(gloss::Index in, gloss::Index out, gloss::Index stride)
      : conv1(in, out, 3, {.stride = stride, .padding = 1, .bias = false}),
        conv2(out, out, 3, {.padding = 1, .bias = false}),
        shortcut(in, out, 1, {.stride = stride, .bias = false}),
        bn1(out),
        bn2(out),
        bn_shortcut(out) {}
  gloss::Tensor<T> operator()(const gloss::Tensor<T>& x) const {
    return this->output(relu(bn2(conv2(relu(bn1(conv1(x))))) + bn_shortcut(shortcut(x))));
  }
  void visit(gloss::nn::Visitor<T>& v) override {
    v("conv1", conv1), v("bn1", bn1), v("conv2", conv2), v("bn2", bn2);
    v("shortcut", shortcut), v("bn_shortcut", bn_shortcut);
  }
};

/// A convolution, a pool, three blocks of 2, 4 and 8 times `width` channels, the mean over the image, a linear layer.
/// Shape: [n, channels, h, w] -> [n, classes]
template <gloss::Real T>
struct ResNet final : gloss::nn::Module<T> {
  gloss::nn::Conv2d<T> conv;
  gloss::nn::BatchNorm2d<T> bn;
  std::vector<Block<T>> blocks;
  gloss::nn::Linear<T> fc;

  ResNet(gloss::Index channels, gloss::Index width, gloss::Index classes)
      : conv(channels, width, 3, {.padding = 1, .bias = false}), bn(width), fc(8 * width, classes) {
    for (const gloss::Index k : {1, 2, 4}) blocks.emplace_back(k * width, 2 * k * width, k == 1 ? 1 : 2);
  }
  gloss::Tensor<T> operator()(const gloss::Tensor<T>& x) const {
    gloss::Tensor<T> y = relu(max_pool2d(bn(conv(x)), 2));
    for (const Block<T>& block : blocks) y = block(y);
    return this->output(fc(mean(y, {2, 3})));
  }
  void visit(gloss::nn::Visitor<T>& v) override { v("conv", conv), v("bn", bn), v("blocks", blocks), v("fc", fc); }
};
