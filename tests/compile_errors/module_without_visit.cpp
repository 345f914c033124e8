// A module that does not name its members.
// expect: abstract
// expect: visit(Visitor<T>& v) = 0
#include <gloss/gloss.hpp>

using namespace gloss;

struct Net final : nn::Module<float> {
  nn::Linear<float> layer{2, 3};
  Tensor<float> operator()(const Tensor<float>& x) const { return layer(x); }
#ifdef FIXED
  void visit(nn::Visitor<float>& v) override { v("layer", layer); }
#endif
};

void use() { Net net; }
