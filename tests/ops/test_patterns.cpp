// einsum and einops' three functions: against PyTorch and einops (tests/golden/generate_ops_patterns.py), texts, edges.
#include <gloss/ops/einops.hpp>
#include <gloss/ops/einsum.hpp>
#include <gloss/ops/pattern.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace {

// A recorded option that is a text.
template <class T>
std::string text_of(const gloss_test::OpCase<T>& c, const std::string& name) {
  std::string text;
  for (const std::int64_t code : gloss_test::values(c.ids(name))) text += static_cast<char>(code);
  return text;
}

// "h=8 w=2"; the text must outlive the sizes.
AxisSizes sizes_of(const std::string& text) {
  AxisSizes sizes;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t equals = text.find('=', at), end = std::min(text.find(' ', at), text.size());
    sizes.push_back({std::string_view(text).substr(at, equals - at), std::stoll(text.substr(equals + 1))});
    at = end + 1;
  }
  return sizes;
}

template <class T, class F>
Tensor<T> with_sizes(gloss_test::OpCase<T>& c, F f) {
  const std::string sizes = text_of(c, "sizes");
  return f(c["x"], runtime_pattern(text_of(c, "pattern")), sizes_of(sizes));
}

template <class T>
std::vector<Tensor<T>> operands(gloss_test::OpCase<T>& c) {
  std::vector<Tensor<T>> all;
  for (const char* name : {"a", "b", "c"})
    if (c.has(name)) all.push_back(c[name]);
  return all;
}

Tensor<double> leaf(const Shape& s) { return randn<double>(s).requires_grad_(); }

}  // namespace

TEST_CASE("golden: einsum is PyTorch's", "[ops]") {
  CHECK_GOLDEN("einsum", einsum(runtime_pattern(text_of(c, "pattern")), operands(c)));
}

TEST_CASE("golden: rearrange, repeat and reduce are those of einops", "[ops]") {
  CHECK_GOLDEN("rearrange", with_sizes(c, [](auto x, auto p, auto sizes) { return rearrange(x, p, sizes); }));
  CHECK_GOLDEN("repeat", with_sizes(c, [](auto x, auto p, auto sizes) { return repeat(x, p, sizes); }));
  CHECK_GOLDEN("reduce", with_sizes(c, [&](auto x, auto p, auto sizes) {
                 return reduce(x, p, ReduceOp::from_name(text_of(c, "how")), sizes);
               }));
}

TEST_CASE("einsum: a literal is parsed by the compiler, operands may be any number up to eight") {
  Rng rng(3);
  RngGuard use(rng);
  const auto q = randn<double>({2, 3, 4, 5}), k = randn<double>({2, 3, 6, 5});
  CHECK(gloss_test::difference(einsum("bhqd,bhkd->bhqk", q, k), matmul(q, k.mT())) < 1e-12);
  const auto a = randn<double>({2, 3}), b = randn<double>({3, 2});
  CHECK(gloss_test::difference(
            einsum("ab,bc,cd,de,ef,fg,gh,hi->ai", a, b, a, b, a, b, a, b),
            einsum("ab,bc->ac", einsum("ab,bc,cd,de", a, b, a, b), einsum("ab,bc,cd,de", a, b, a, b))) < 1e-12);
  CHECK(einsum("ij->ji", a).data() == a.data());  // a view, as in PyTorch
  CHECK(einsum("ii->i", q.select(0, 0).select(0, 0).narrow(1, 0, 4)).strides() == Shape{6});
}

TEST_CASE("einsum: whole numbers are exact") {
  const auto a = arange<std::int64_t>(6).view({2, 3}), b = arange<std::int64_t>(12).view({3, 4});
  CHECK(gloss_test::values(einsum("ij,jk->ki", a, b)) == std::vector<std::int64_t>{20, 56, 23, 68, 26, 80, 29, 92});
  const Tensor<std::int64_t> big{(std::int64_t{1} << 53) + 1};
  CHECK(einsum("i,i->", big, Tensor<std::int64_t>{3}).item() == 3 * ((std::int64_t{1} << 53) + 1));
  CHECK(gloss_test::values(einsum("bij,bjk->b", a.view({1, 2, 3}).expand({2, 2, 3}), b.view({1, 3, 4}))) ==
        std::vector<std::int64_t>{394, 394});
}

TEST_CASE("einsum: gradients and second derivatives agree with difference quotients") {
  Rng rng(4);
  RngGuard use(rng);
  using In = const std::vector<Tensor<double>>&;
  CHECK(gradcheck([](In x) { return einsum("bij,bkj->bik", x[0], x[1]); }, {leaf({2, 3, 2}), leaf({2, 2, 2})}));
  CHECK(gradcheck([](In x) { return einsum("iij,j->i", x[0], x[1]); }, {leaf({2, 2, 3}), leaf({3})}));
  CHECK(gradcheck([](In x) { return einsum("...i,...i->...", x[0], x[1]); }, {leaf({2, 3}), leaf({2, 1, 3})}));
  // d/dx of (d/dx of a cubic form) against difference quotients
  const auto w = randn<double>({2, 3, 3});
  CHECK(gradcheck(
      [&](In x) {
        const GradGuard recording(true);
        const auto y = einsum("aij,i,j->", w, x[0], x[0] * x[0]);
        return grad(y, {x[0]}, {.create_graph = true})[0];
      },
      {leaf({3})}));
}

TEST_CASE("einsum: what does not fit is named") {
  const auto a = zeros<float>({2, 3}), b = zeros<float>({4, 5});
  CHECK_ERROR(einsum("ij,jk->ik", a, b), ShapeError, "einsum: axis 'j' of 'ij,jk->ik' has sizes 3 and 4");
  CHECK_ERROR(einsum("...i,...i->...", a, zeros<float>({4, 3})), ShapeError,
              "einsum: axis -1 under the ellipsis of '...i,...i->...' has sizes 2 and 4");
  CHECK_ERROR(einsum("ii", a), ShapeError, "einsum: axis 'i' of operand 0 of 'ii' has sizes 2 and 3");
  CHECK_ERROR(einsum("ii", zeros<float>({3, 1})), ShapeError,
              "einsum: axis 'i' of operand 0 of 'ii' has sizes 3 and 1");
  CHECK_ERROR(einsum("ijk", a), ShapeError, "einsum: operand 0 of 'ijk' has shape [2, 3], the pattern names 3 axes");
  CHECK_ERROR(einsum("i...jk", a), ShapeError,
              "einsum: operand 0 of 'i...jk' has shape [2, 3], the pattern names at least 3 axes");
  CHECK_ERROR(einsum("i,j", a), ShapeError, "einsum: 'i,j' names 2 operands, 1 was given");
  CHECK_ERROR(einsum("ij", a, a), ShapeError, "einsum: 'ij' names 1 operand, 2 were given");
  const auto five = zeros<float>({2, 2, 2, 2, 2});
  CHECK_ERROR(einsum("...i,abcde->...iabcde", five, five), ShapeError,
              "einsum: the result of '...i,abcde->...iabcde' has 10 axes, 8 are the most");
  CHECK_ERROR(einsum("abcde,fghij->", five, five), ShapeError, "nothing was thrown");
}

TEST_CASE("einsum: a wrong run-time pattern is refused") {
  const auto refuse = [](const char* pattern, const std::string& why) {
    INFO(pattern);
    CHECK_ERROR(einsum(runtime_pattern(pattern), zeros<float>({2, 2})), Error, "einsum: " + why);
  };
  refuse("i1", "'i1' has '1', axes are letters");
  refuse("i.j", "'i.j' has a point that is not part of an ellipsis");
  refuse("i......", "'i......' of 'i......' has two ellipses");
  refuse("ij->k", "axis 'k' of the result of 'ij->k' is in no operand");
  refuse("ij->ii", "axis 'i' is twice in the result of 'ij->ii'");
  refuse("ij->i->j", "'ij->i->j' has '-', axes are letters");
  refuse("abcdefghi", "'abcdefghi' of 'abcdefghi' has more than 8 axes");
  refuse("a,b,c,d,e,f,g,h,i", "'a,b,c,d,e,f,g,h,i' has more than 8 operands");
  refuse("abcdef,ghijkl", "the result of 'abcdef,ghijkl' has more than 8 axes");
}

TEST_CASE("rearrange: what need not move is a view, and views are read as they are") {
  const auto x = arange<float>(24).view({2, 12});
  CHECK(rearrange(x, "b (h d) -> b h d", {{"h", 3}}).data() == x.data());
  CHECK(rearrange(x, "b (h d) -> h b d", {{"h", 3}}).data() == x.data());
  CHECK(gloss_test::values(rearrange(x.slice(1, 0, 12, 4), "b c -> (c b)")) == std::vector<float>{0, 12, 4, 16, 8, 20});
  const Tensor<bool> flags = {{true, false}, {false, false}};
  CHECK(gloss_test::values(rearrange(flags, "a b -> (b a)")) == std::vector<bool>{true, false, false, false});
  CHECK(repeat(flags, "a b -> a r b", {{"r", 3}}).strides() == Shape{2, 0, 1});
}

TEST_CASE("reduce: whole numbers; their mean is refused") {
  const auto x = arange<std::int64_t>(6).view({2, 3});
  CHECK(gloss_test::values(reduce(x, "a b -> a", "sum")) == std::vector<std::int64_t>{3, 12});
  CHECK(gloss_test::values(reduce(x, "a b -> b", "max")) == std::vector<std::int64_t>{3, 4, 5});
  CHECK(gloss_test::values(reduce(x, "a b -> b", "prod")) == std::vector<std::int64_t>{0, 4, 10});
  CHECK_ERROR(reduce(x, "a b -> b", "mean"), Error,
              "reduce: the mean of whole numbers is not a whole number; cast to float or double first");
  CHECK_ERROR(ReduceOp::from_name("median"), Error, "reduce: 'median' is none of sum, mean, max, min, prod");
}

TEST_CASE("rearrange, repeat, reduce: gradients agree with difference quotients, zeros in a product included") {
  Rng rng(5);
  RngGuard use(rng);
  using In = const std::vector<Tensor<double>>&;
  CHECK(gradcheck([](In x) { return rearrange(x[0], "a (b c) -> (c a) b", {{"b", 2}}); }, {leaf({2, 6})}));
  CHECK(gradcheck([](In x) { return repeat(x[0], "a b -> (b 2) a r", {{"r", 2}}); }, {leaf({2, 3})}));
  for (const char* how : {"sum", "mean", "max", "min", "prod"})
    CHECK(gradcheck(
        [&](In x) {
          return reduce(x[0], "a (b c) -> b", ReduceOp::from_name(how), {{"b", 2}});
        },
        {leaf({3, 4})}));
  CHECK(gradcheck([](In x) { return reduce(x[0], "a b -> a", "prod"); },
                  {Tensor<double>{{2, 0, 3}, {0, 0, 1}}.requires_grad_()}));
  const auto x = Tensor<double>{{2, 5}, {5, 1}}.requires_grad_();
  reduce(x, "a b ->", "max").backward();
  CHECK(gloss_test::values(x.grad()) == std::vector<double>{0, 0.5, 0.5, 0});
}

TEST_CASE("rearrange: the axis that does not fit is named") {
  const auto x = zeros<float>({2, 3, 12});
  CHECK_ERROR(rearrange(x, "b n (h d) -> b h n d", {{"h", 5}}), ShapeError,
              "rearrange: axis 'h' of 'b n (h d)': 12 is not a multiple of h=5");
  CHECK_ERROR(rearrange(x, "b n (h d e) -> b h n d e", {{"h", 5}, {"e", 2}}), ShapeError,
              "rearrange: axes 'h', 'e' of 'b n (h d e)': 12 is not a multiple of h*e=10");
  CHECK_ERROR(rearrange(x, "b n (h d) -> b h n d", {{"h", 2}, {"d", 5}}), ShapeError,
              "rearrange: axes 'h', 'd' of 'b n (h d)': 12 is not h*d=10");
  CHECK_ERROR(rearrange(x, "b n c -> c n b", {{"b", 3}}), ShapeError, "rearrange: axis 'b' of 'b n c': 2 is not b=3");
  CHECK_ERROR(rearrange(x, "b n (h d) -> b h n d"), ShapeError,
              "rearrange: axes 'h' and 'd' of 'b n (h d)': give the size of one");
  CHECK_ERROR(rearrange(x, "b 1 c -> b c"), ShapeError, "rearrange: axis 1 of 'b 1 c': 3 is not 1");
  CHECK_ERROR(rearrange(x, "b c -> c b"), ShapeError, "rearrange: 'b c' has 2 axes, the tensor's shape is [2, 3, 12]");
  CHECK_ERROR(rearrange(x, "a b c d ... -> d ... a b c"), ShapeError,
              "rearrange: 'a b c d ...' has at least 4 axes, the tensor's shape is [2, 3, 12]");
  CHECK_ERROR(rearrange(x, "b n c -> c n b", {{"q", 3}}), ShapeError, "rearrange: 'b n c -> c n b' has no axis 'q'");
  CHECK_ERROR(rearrange(x, "b n c -> c n b", {{"b", 0}}), ShapeError,
              "rearrange: axis 'b' of 'b n c -> c n b' has the size 0");
  CHECK_ERROR(rearrange(x, "b n c -> c n b", {{"b", 2}, {"b", 3}}), ShapeError,
              "rearrange: axis 'b' has the sizes 2 and 3");
  CHECK_ERROR(repeat(x, "b n c -> b n c r"), ShapeError, "repeat: axis 'r' of 'b n c -> b n c r' needs a size");
  CHECK_ERROR(reduce(x, "b n (c 5) -> b", "sum"), ShapeError,
              "reduce: axis '5' of 'b n (c 5)': 12 is not a multiple of 5=5");
  CHECK_ERROR(reduce(zeros<float>({9, 0}), "a (b 4000000000 4000000000) -> a", "sum"), ShapeError,
              "reduce: 'a (b 4000000000 4000000000)' is too large");
  CHECK_ERROR(reduce(zeros<float>({9, 0}), "a (b 1000000000 1000000000) -> a", "sum"), ShapeError,
              "reduce: the axes of 'a (b 1000000000 1000000000)' are too large for shape [9, 0]");
  CHECK_ERROR(reduce(zeros<float>({2, 0}), "a b -> a", "max"), ShapeError,
              "amax: no elements to reduce in shape [2, 0]");
  CHECK_ERROR(repeat(x, "a b c -> (a b) (c 1000000000000 1000000000000)"), ShapeError,
              "repeat: the result of 'a b c -> (a b) (c 1000000000000 1000000000000)' is too large");
  CHECK_ERROR(repeat(x, "a b c -> a b c 2 2 2 2 2 2"), ShapeError,
              "repeat: 'a b c -> a b c 2 2 2 2 2 2' has more than 8 axes at once");
}

TEST_CASE("rearrange: a wrong run-time pattern is refused") {
  const auto x = zeros<float>({2, 2});
  const auto refuse = [&](const char* pattern, const std::string& why) {
    INFO(pattern);
    CHECK_ERROR(rearrange(x, runtime_pattern(pattern)), Error, "rearrange: " + why);
  };
  refuse("a b", "'a b' has no '->'");
  refuse("a b -> a -> b", "'a b -> a -> b' has two '->'");
  refuse("a b -> a", "axis 'b' of 'a b -> a' is on the left only");
  refuse("a b -> a b c", "axis 'c' of 'a b -> a b c' is on the right only");
  refuse("a b -> a b ...", "axis '...' of 'a b -> a b ...' is on the right only");
  refuse("a a -> a", "axis 'a' is twice in 'a a'");
  refuse("a b -> (a b", "'a b -> (a b' has a '(' without ')'");
  refuse("a b) -> a b", "'a b) -> a b' has a ')' without '('");
  refuse("((a) b) -> a b", "'((a) b) -> a b' has parentheses within parentheses");
  refuse("a ... ... -> a ...", "'a ... ...' has two ellipses");
  refuse("(a ...) -> a ...", "'(a ...)' has an ellipsis in parentheses on the left");
  refuse("a b -> b a 2", "axis 2 of 'a b -> b a 2' has no name");
  refuse("a b, -> a b", "'b,' of 'a b, -> a b' is no axis");
  refuse("a 2x -> a 2x", "'2x' of 'a 2x -> a 2x' is no axis");
  refuse("_a b -> b _a", "axis '_a' of '_a b -> b _a' begins or ends with '_'");
  refuse("a 0 -> a", "an axis of 'a 0 -> a' has the size 0");
  refuse("a b c d e f g h i j k l m n o p q -> a",
         "'a b c d e f g h i j k l m n o p q -> a' has more than 16 axes on a side");
  CHECK_ERROR(repeat(x, runtime_pattern("a b -> a")), Error, "repeat: axis 'b' of 'a b -> a' is on the left only");
  CHECK_ERROR(repeat(x, runtime_pattern("a 2 -> a")), Error, "repeat: axis '2' of 'a 2 -> a' is on the left only");
  CHECK_ERROR(reduce(x, runtime_pattern("a b -> c"), "sum"), Error,
              "reduce: axis 'c' of 'a b -> c' is on the right only");
}
