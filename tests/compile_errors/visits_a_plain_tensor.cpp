// A member that is no Parameter, Buffer or module cannot be visited.
// expect: deleted
// expect: make it a Parameter<T> (trained) or a Buffer (kept)
#include <gloss/gloss.hpp>

using namespace gloss;

struct Net final : nn::Module<float> {
#ifdef FIXED
  nn::Parameter<float> weight{zeros<float>({3})};
#else
  Tensor<float> weight{zeros<float>({3})};
#endif
  void visit(nn::Visitor<float>& v) override { v("weight", weight); }
};

void use() { Net net; }
