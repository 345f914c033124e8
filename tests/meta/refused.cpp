// Literals that must not compile: compiled once for each number of CASE, see refused.cmake. The words after the number
// are those that the compiler must show. CASE 0 is the same file without a mistake.
#include <gloss/ops/einops.hpp>
#include <gloss/ops/einsum.hpp>

using namespace gloss;

void use(const Tensor<float>& x);
void use(const Tensor<float>& x) {
#if CASE == 0
  einsum("ij,jk->ik", x, x);
  rearrange(x, "a (b c) -> c a b", {{"c", 2}});
  reduce(x, "a b -> a", "prod");
#elif CASE == 1  // is in no operand
  einsum("ij,jk->iq", x, x);
#elif CASE == 2  // that is not part of an ellipsis
  einsum("i.j", x);
#elif CASE == 3  // is twice in the result of
  einsum("ij->ii", x);
#elif CASE == 4  // axes are letters
  einsum("i1", x);
#elif CASE == 5  // is on the left only
  rearrange(x, "a b -> a");
#elif CASE == 6  // has a '(' without ')'
  rearrange(x, "a (b -> a b");
#elif CASE == 7  // is twice in
  rearrange(x, "a a -> a");
#elif CASE == 8  // has no '->'
  rearrange(x, "a b");
#elif CASE == 9  // is on the left only
  repeat(x, "a b -> a");
#elif CASE == 10  // is on the right only
  reduce(x, "a -> a b", "sum");
#elif CASE == 11  // is none of sum, mean, max, min, prod
  reduce(x, "a b -> a", "median");
#elif CASE == 12  // einsum
  const std::string text = "ij->ji";
  einsum(text, x);
#endif
}
