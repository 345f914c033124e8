// Targets of a cross entropy are classes, whole numbers.
// expect gcc: cannot convert 'targets' (type 'const gloss::
// expect clang: no known conversion from 'const Tensor<float>' to 'const Tensor<std::int64_t>' for 2nd argument
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& logits, const Tensor<float>& targets) {
#ifdef FIXED
  cross_entropy(logits, cast<std::int64_t>(targets));
#else
  cross_entropy(logits, targets);
#endif
}
