// A double layer in a float model.
// expect: deleted
// expect: the member has another element type than its module
#include <gloss/gloss.hpp>

using namespace gloss;

struct Net final : nn::Module<float> {
#ifdef FIXED
  nn::Linear<float> layer{2, 3};
#else
  nn::Linear<double> layer{2, 3};
#endif
  void visit(nn::Visitor<float>& v) override { v("layer", layer); }
};

void use() { Net net; }
