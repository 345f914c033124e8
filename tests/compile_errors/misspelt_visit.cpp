// visit misspelt.
// expect: override
// expect: void vist(nn::Visitor<float>& v)
#include <gloss/gloss.hpp>

using namespace gloss;

struct Net final : nn::Module<float> {
  nn::Linear<float> layer{2, 3};
#ifdef FIXED
  void visit(nn::Visitor<float>& v) override { v("layer", layer); }
#else
  void vist(nn::Visitor<float>& v) override { v("layer", layer); }
#endif
};

void use() { Net net; }
