// Random programs of ops, run beside PyTorch's results: tests/golden/generate_programs.py says what a program is.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include <gloss/gloss.hpp>

#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

/// A number in [-2, 2) from (program, input, position): the generator's number().
double number(std::uint64_t program, std::uint64_t which, std::uint64_t i) {
  std::uint64_t z = ((program << 40) + (which << 32) + i + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53 * 4 - 2;
}

Shape parse_shape(const std::string& text) {
  Shape shape;
  if (text == "-") return shape;
  std::istringstream in(text);
  for (std::string size; std::getline(in, size, ',');) shape.push_back(std::stoll(size));
  return shape;
}

/// One line of a program: an op, the values it takes, its options.
struct Line {
  std::string op;
  std::vector<std::size_t> arguments;
  std::map<std::string, std::string> options;
  std::string shape_text;  // of an input

  explicit Line(const std::string& text) {
    std::istringstream in(text);
    in >> op;
    for (std::string word; in >> word;) {
      const auto equals = word.find('=');
      if (equals != std::string::npos)
        options[word.substr(0, equals)] = word.substr(equals + 1);
      else if (op == "f" || op == "i" || op == "b")
        shape_text = word;
      else
        arguments.push_back(std::stoul(word));
    }
  }
  Index integer(const std::string& name) const { return std::stoll(options.at(name)); }
  double real(const std::string& name) const { return std::stod(options.at(name)); }
  bool flag(const std::string& name) const { return integer(name) != 0; }
  Shape shape(const std::string& name) const { return parse_shape(options.at(name)); }
};

/// The option `value` as a number beside a Tensor<U>.
template <class U>
Scalar<U> beside(const Line& line) {
  if constexpr (Real<U>)
    return line.real("value");
  else
    return line.integer("value");
}

template <class T>
using Value = std::variant<Tensor<T>, Tensor<std::int64_t>, Tensor<bool>>;

/// Runs the lines of a program on gloss.
template <class T>
class Machine {
 public:
  explicit Machine(std::uint64_t program) : program_(program) {}

  void run(const Line& line) {
    if (line.op == "f" || line.op == "i" || line.op == "b") return input(line);
    for (const std::size_t a : line.arguments) is_used_.at(a) = true;
    const auto found = ops().find(line.op);
    if (found == ops().end()) fail("programs: no op is named ", line.op);
    found->second(*this, line);
  }

  const std::vector<Value<T>>& values() const { return values_; }
  bool is_result(std::size_t v) const { return !is_used_[v]; }
  const std::vector<std::size_t>& leaves() const { return leaves_; }
  const Tensor<T>& real(std::size_t v) const { return std::get<Tensor<T>>(values_.at(v)); }

 private:
  using Op = std::function<void(Machine&, const Line&)>;

  void input(const Line& line) {
    const Shape shape = parse_shape(line.shape_text);
    const std::uint64_t which = values_.size();
    auto fill = [&](auto x, auto f) {
      for (Index i = 0; i < x.numel(); ++i) x.data()[i] = f(number(program_, which, static_cast<std::uint64_t>(i)));
      return x;
    };
    if (line.op == "f") {
      leaves_.push_back(values_.size());
      put(fill(empty<T>(shape), [](double v) { return static_cast<T>(v); }).requires_grad_());
    } else if (line.op == "i") {
      const double high = static_cast<double>(line.integer("high"));
      put(fill(empty<std::int64_t>(shape), [&](double v) { return static_cast<std::int64_t>((v + 2) / 4 * high); }));
    } else {
      put(fill(empty<bool>(shape), [](double v) { return v > -0.4; }));
    }
  }

  template <class U>
  void put(Tensor<U> y) {
    values_.emplace_back(std::move(y));
    is_used_.push_back(false);
  }
  template <class U>
  void put(ValuesIndices<U> found) {
    put(std::move(found.indices));
    put(std::move(found.values));
  }
  template <class U>
  void put(std::vector<Tensor<U>> several) {
    for (Tensor<U>& y : several) put(std::move(y));
  }
  const Tensor<T>& x(const Line& l, std::size_t i = 0) const { return real(l.arguments.at(i)); }
  const Tensor<std::int64_t>& ids(const Line& l, std::size_t i) const {
    return std::get<Tensor<std::int64_t>>(values_.at(l.arguments.at(i)));
  }
  const Tensor<bool>& mask(const Line& l, std::size_t i) const {
    return std::get<Tensor<bool>>(values_.at(l.arguments.at(i)));
  }
  template <class U>
  std::vector<Tensor<U>> list(const Line& l) const {
    std::vector<Tensor<U>> found;
    for (const std::size_t a : l.arguments) found.push_back(std::get<Tensor<U>>(values_.at(a)));
    return found;
  }
  IndexList id_lists(const Line& l, std::size_t first, std::size_t last) const {
    IndexList list;
    for (std::size_t i = first; i < last; ++i) list.push_back(ids(l, i));
    return list;
  }
  static Axes axes(const Line& l) {
    const Shape a = l.shape("axes");
    switch (a.rank()) {
      case 0:
        return {};
      case 1:
        return {a[0]};
      case 2:
        return {a[0], a[1]};
      default:
        return {a[0], a[1], a[2]};
    }
  }
  static ReduceOptions keepdim(const Line& l) { return {.keepdim = l.flag("keepdim")}; }

  /// f on a value of whatever type.
  template <class F>
  static Op of_any(F f) {
    return [f](Machine& m, const Line& l) {
      const Value<T> v = m.values_.at(l.arguments.at(0));
      std::visit([&](const auto& x) { m.put(f(x, l)); }, v);
    };
  }
  /// f on floats or integers.
  template <class F>
  static Op of_numbers(F f) {
    return [f](Machine& m, const Line& l) {
      const Value<T> v = m.values_.at(l.arguments.at(0));
      if (const auto* x = std::get_if<Tensor<T>>(&v))
        m.put(f(*x, l));
      else
        m.put(f(std::get<Tensor<std::int64_t>>(v), l));
    };
  }
  template <class F>
  static Op of_two_numbers(F f) {
    return [f](Machine& m, const Line& l) {
      const Value<T> a = m.values_.at(l.arguments.at(0)), b = m.values_.at(l.arguments.at(1));
      if (const auto* x = std::get_if<Tensor<T>>(&a))
        m.put(f(*x, std::get<Tensor<T>>(b)));
      else
        m.put(f(std::get<Tensor<std::int64_t>>(a), std::get<Tensor<std::int64_t>>(b)));
    };
  }
  template <class F>
  static Op of_list(F f) {
    return [f](Machine& m, const Line& l) {
      const Value<T> first = m.values_.at(l.arguments.at(0));
      std::visit([&]<class U>(const Tensor<U>&) { m.put(f(m.template list<U>(l), l)); }, first);
    };
  }

  static const std::map<std::string, Op>& ops();

  std::uint64_t program_;
  std::vector<Value<T>> values_;
  std::vector<bool> is_used_;
  std::vector<std::size_t> leaves_;
};

template <class T>
const std::map<std::string, typename Machine<T>::Op>& Machine<T>::ops() {
  using M = Machine;
  using L = Line;
  auto unary = [](auto f) -> Op { return [f](M& m, const L& l) { m.put(f(m.x(l))); }; };
  auto binary = [](auto f) -> Op { return [f](M& m, const L& l) { m.put(f(m.x(l, 0), m.x(l, 1))); }; };
  auto scalar = [](auto f) -> Op { return [f](M& m, const L& l) { m.put(f(m.x(l), l.real("value"))); }; };
  auto logic = [](auto f) -> Op { return [f](M& m, const L& l) { m.put(f(m.mask(l, 0), m.mask(l, 1))); }; };
  static const std::map<std::string, Op> table = {
      // element by element
      {"exp", unary([](auto& x) { return exp(x); })},
      {"tanh", unary([](auto& x) { return tanh(x); })},
      {"sigmoid", unary([](auto& x) { return sigmoid(x); })},
      {"erf", unary([](auto& x) { return erf(x); })},
      {"gelu", unary([](auto& x) { return gelu(x); })},
      {"neg", unary([](auto& x) { return -x; })},
      {"relu", unary([](auto& x) { return relu(x); })},
      {"abs", unary([](auto& x) { return abs(x); })},
      {"log", unary([](auto& x) { return log(x); })},
      {"sqrt", unary([](auto& x) { return sqrt(x); })},
      {"rsqrt", unary([](auto& x) { return rsqrt(x); })},
      {"log2", unary([](auto& x) { return log2(x); })},
      {"log10", unary([](auto& x) { return log10(x); })},
      {"log1p", unary([](auto& x) { return log1p(x); })},
      {"reciprocal", unary([](auto& x) { return reciprocal(x); })},
      {"square", unary([](auto& x) { return square(x); })},
      {"sin", unary([](auto& x) { return sin(x); })},
      {"cos", unary([](auto& x) { return cos(x); })},
      {"atan", unary([](auto& x) { return atan(x); })},
      {"sinh", unary([](auto& x) { return sinh(x); })},
      {"cosh", unary([](auto& x) { return cosh(x); })},
      {"asinh", unary([](auto& x) { return asinh(x); })},
      {"exp2", unary([](auto& x) { return exp2(x); })},
      {"expm1", unary([](auto& x) { return expm1(x); })},
      {"asin", unary([](auto& x) { return asin(x); })},
      {"acos", unary([](auto& x) { return acos(x); })},
      {"atanh", unary([](auto& x) { return atanh(x); })},
      {"tan", unary([](auto& x) { return tan(x); })},
      {"sign", unary([](auto& x) { return sign(x); })},
      {"silu", unary([](auto& x) { return silu(x); })},
      {"softplus", unary([](auto& x) { return softplus(x); })},
      {"leaky_relu", unary([](auto& x) { return leaky_relu(x); })},
      {"elu", unary([](auto& x) { return elu(x); })},
      {"floor", unary([](auto& x) { return floor(x); })},
      {"ceil", unary([](auto& x) { return ceil(x); })},
      {"trunc", unary([](auto& x) { return trunc(x); })},
      {"frac", unary([](auto& x) { return frac(x); })},
      {"round", unary([](auto& x) { return round(x); })},
      {"acosh", unary([](auto& x) { return acosh(x + 1.1); })},
      {"maximum", binary([](auto& a, auto& b) { return maximum(a, b); })},
      {"minimum", binary([](auto& a, auto& b) { return minimum(a, b); })},
      {"hypot", binary([](auto& a, auto& b) { return hypot(a, b); })},
      {"atan2", binary([](auto& a, auto& b) { return atan2(a, b); })},
      {"logaddexp", binary([](auto& a, auto& b) { return logaddexp(a, b); })},
      {"remainder", binary([](auto& a, auto& b) { return remainder(a, b); })},
      {"fmod", binary([](auto& a, auto& b) { return fmod(a, b); })},
      {"floor_divide", binary([](auto& a, auto& b) { return floor_divide(a, b); })},
      {"lerp", [](M& m, const L& l) { m.put(lerp(m.x(l, 0), m.x(l, 1), l.real("weight"))); }},
      {"addcmul",
       [](M& m, const L& l) { m.put(addcmul(m.x(l, 0), m.x(l, 1), m.x(l, 2), l.real("value"))); }},
      {"clamp", [](M& m, const L& l) { m.put(clamp(m.x(l), l.real("low"), l.real("high"))); }},
      {"add", of_two_numbers([](auto& a, auto& b) { return add(a, b); })},
      {"sub", of_two_numbers([](auto& a, auto& b) { return a - b; })},
      {"mul", of_two_numbers([](auto& a, auto& b) { return mul(a, b); })},
      {"div", binary([](auto& a, auto& b) { return a / b; })},
      {"add_scalar", scalar([](auto& x, double s) { return x + s; })},
      {"sub_scalar", scalar([](auto& x, double s) { return x - s; })},
      {"mul_scalar", scalar([](auto& x, double s) { return x * s; })},
      {"div_scalar", scalar([](auto& x, double s) { return x / s; })},
      {"rsub_scalar", scalar([](auto& x, double s) { return s - x; })},
      {"rdiv_scalar", scalar([](auto& x, double s) { return s / x; })},
      {"pow_scalar", scalar([](auto& x, double s) { return pow(x, s); })},
      {"lt", of_two_numbers([](auto& a, auto& b) { return a < b; })},
      {"le", of_two_numbers([](auto& a, auto& b) { return a <= b; })},
      {"gt", of_two_numbers([](auto& a, auto& b) { return a > b; })},
      {"ge", of_two_numbers([](auto& a, auto& b) { return a >= b; })},
      {"eq", of_two_numbers([](auto& a, auto& b) { return a == b; })},
      {"ne", of_two_numbers([](auto& a, auto& b) { return a != b; })},
      {"lt_scalar", of_numbers([]<class U>(const Tensor<U>& x, auto& l) { return x < beside<U>(l); })},
      {"le_scalar", of_numbers([]<class U>(const Tensor<U>& x, auto& l) { return x <= beside<U>(l); })},
      {"gt_scalar", of_numbers([]<class U>(const Tensor<U>& x, auto& l) { return x > beside<U>(l); })},
      {"ge_scalar", of_numbers([]<class U>(const Tensor<U>& x, auto& l) { return x >= beside<U>(l); })},
      {"eq_scalar", of_numbers([]<class U>(const Tensor<U>& x, auto& l) { return x == beside<U>(l); })},
      {"ne_scalar", of_numbers([]<class U>(const Tensor<U>& x, auto& l) { return x != beside<U>(l); })},
      {"and", logic([](auto& a, auto& b) { return a & b; })},
      {"or", logic([](auto& a, auto& b) { return a | b; })},
      {"not", [](M& m, const L& l) { m.put(!m.mask(l, 0)); }},
      {"where", [](M& m, const L& l) { m.put(where(m.mask(l, 0), m.x(l, 1), m.x(l, 2))); }},
      {"masked_fill", [](M& m, const L& l) { m.put(masked_fill(m.x(l), m.mask(l, 1), l.real("value"))); }},
      {"to_float", of_any([](auto& x, auto&) { return cast<T>(x); })},
      // reductions
      {"sum", of_any([](auto& x, auto& l) { return sum(x, axes(l), keepdim(l)); })},
      {"any", of_any([](auto& x, auto& l) { return any(x, axes(l), keepdim(l)); })},
      {"all", of_any([](auto& x, auto& l) { return all(x, axes(l), keepdim(l)); })},
      {"prod", [](M& m, const L& l) { m.put(prod(m.x(l), axes(l), keepdim(l))); }},
      {"norm", [](M& m, const L& l) { m.put(norm(m.x(l), l.real("p"), axes(l), keepdim(l))); }},
      {"logsumexp", [](M& m, const L& l) { m.put(logsumexp(m.x(l), axes(l), keepdim(l))); }},
      {"amax", [](M& m, const L& l) { m.put(amax(m.x(l), axes(l), keepdim(l))); }},
      {"amin", [](M& m, const L& l) { m.put(amin(m.x(l), axes(l), keepdim(l))); }},
      {"count_nonzero", [](M& m, const L& l) { m.put(count_nonzero(m.x(l), axes(l), keepdim(l))); }},
      {"cumsum", [](M& m, const L& l) { m.put(cumsum(m.x(l), l.integer("axis"))); }},
      {"cumprod", [](M& m, const L& l) { m.put(cumprod(m.x(l), l.integer("axis"))); }},
      {"cummax", [](M& m, const L& l) { m.put(cummax(m.x(l), l.integer("axis"))); }},
      {"cummin", [](M& m, const L& l) { m.put(cummin(m.x(l), l.integer("axis"))); }},
      {"mean", [](M& m, const L& l) { m.put(mean(m.x(l), axes(l), keepdim(l))); }},
      {"var", [](M& m, const L& l) { m.put(var(m.x(l), axes(l), {.keepdim = l.flag("keepdim")})); }},
      {"std", [](M& m, const L& l) { m.put(std_dev(m.x(l), axes(l), {.keepdim = l.flag("keepdim")})); }},
      {"max_all", unary([](auto& x) { return max(x); })},
      {"min_all", unary([](auto& x) { return min(x); })},
      {"max", [](M& m, const L& l) { m.put(max(m.x(l), l.integer("axis"), keepdim(l))); }},
      {"min", [](M& m, const L& l) { m.put(min(m.x(l), l.integer("axis"), keepdim(l))); }},
      {"argmax", [](M& m, const L& l) { m.put(argmax(m.x(l), l.integer("axis"), keepdim(l))); }},
      {"argmin", [](M& m, const L& l) { m.put(argmin(m.x(l), l.integer("axis"), keepdim(l))); }},
      {"topk", [](M& m, const L& l) { m.put(topk(m.x(l), l.integer("k"))); }},
      // views
      {"view", of_any([](auto& x, auto& l) { return x.view(l.shape("shape")); })},
      {"view_refused",
       [](M& m, const L& l) {
         std::visit([&](const auto& x) { CHECK_THROWS_AS(x.view(l.shape("shape")), ShapeError); },
                    m.values_.at(l.arguments.at(0)));
       }},
      {"reshape", of_any([](auto& x, auto& l) { return x.reshape(l.shape("shape")); })},
      {"transpose", of_any([](auto& x, auto& l) { return x.transpose(l.integer("a"), l.integer("b")); })},
      {"permute", of_any([](auto& x, auto& l) { return x.permute(l.shape("order")); })},
      {"expand", of_any([](auto& x, auto& l) { return x.expand(l.shape("shape")); })},
      {"slice", of_any([](auto& x, auto& l) {
         return x.slice(l.integer("axis"), l.integer("begin"), l.integer("end"), l.integer("step"));
       })},
      {"select", of_any([](auto& x, auto& l) { return x.select(l.integer("axis"), l.integer("index")); })},
      {"narrow", of_any([](auto& x, auto& l) {
         return x.narrow(l.integer("axis"), l.integer("start"), l.integer("length"));
       })},
      {"squeeze", of_any([](auto& x, auto& l) { return x.squeeze(l.integer("axis")); })},
      {"squeeze_all", of_any([](auto& x, auto&) { return x.squeeze(); })},
      {"unsqueeze", of_any([](auto& x, auto& l) { return x.unsqueeze(l.integer("axis")); })},
      {"flatten", of_any([](auto& x, auto& l) { return x.flatten(l.integer("start"), l.integer("end")); })},
      {"clone", of_any([](auto& x, auto&) { return x.clone(); })},
      {"contiguous", of_any([](auto& x, auto&) { return x.contiguous(); })},
      // joining, choosing
      {"cat", of_list([](const auto& list, auto& l) { return cat(list, l.integer("axis")); })},
      {"stack", of_list([](const auto& list, auto& l) { return stack(list, l.integer("axis")); })},
      {"gather", [](M& m, const L& l) { m.put(gather(m.x(l), l.integer("axis"), m.ids(l, 1))); }},
      {"scatter_add",
       [](M& m, const L& l) { m.put(scatter_add(m.x(l), l.integer("axis"), m.ids(l, 1), m.x(l, 2))); }},
      {"index_select", [](M& m, const L& l) { m.put(index_select(m.x(l), l.integer("axis"), m.ids(l, 1))); }},
      {"index_add", [](M& m, const L& l) { m.put(index_add(m.x(l), l.integer("axis"), m.ids(l, 1), m.x(l, 2))); }},
      {"embedding", [](M& m, const L& l) { m.put(embedding(m.ids(l, 0), m.x(l, 1))); }},
      // more views, and copies in another order
      {"unfold", of_any([](auto& x, auto& l) {
         return x.unfold(l.integer("axis"), l.integer("size"), l.integer("step"));
       })},
      {"diagonal", of_any([](auto& x, auto& l) {
         return x.diagonal(l.integer("offset"), l.integer("a"), l.integer("b"));
       })},
      {"movedim", of_any([](auto& x, auto& l) { return x.movedim(l.integer("a"), l.integer("b")); })},
      {"unflatten", of_any([](auto& x, auto& l) { return x.unflatten(l.integer("axis"), l.shape("sizes")); })},
      {"broadcast_to", of_any([](auto& x, auto& l) { return x.broadcast_to(l.shape("shape")); })},
      {"unbind", of_any([](auto& x, auto& l) { return x.unbind(l.integer("axis")); })},
      {"chunk", of_any([](auto& x, auto& l) { return x.chunk(l.integer("n"), l.integer("axis")); })},
      {"split", of_any([](auto& x, auto& l) { return x.split(l.integer("n"), l.integer("axis")); })},
      {"tensor_split", of_any([](auto& x, auto& l) { return x.tensor_split(l.integer("n"), l.integer("axis")); })},
      {"split_sizes", of_any([](auto& x, auto& l) {
         const Shape sizes = l.shape("sizes");
         return x.split(std::vector<Index>(sizes.begin(), sizes.end()), l.integer("axis"));
       })},
      {"flip", of_any([](auto& x, auto& l) { return flip(x, l.shape("axes")); })},
      {"roll", of_any([](auto& x, auto& l) { return roll(x, {l.integer("shift")}, {l.integer("axis")}); })},
      {"roll_all", of_any([](auto& x, auto& l) { return roll(x, l.integer("shift")); })},
      {"rot90", of_any([](auto& x, auto& l) { return rot90(x, l.integer("k"), l.shape("axes")); })},
      {"repeat_times", of_any([](auto& x, auto& l) { return repeat(x, l.shape("times")); })},
      {"tile", of_any([](auto& x, auto& l) { return tile(x, l.shape("times")); })},
      {"repeat_interleave",
       of_any([](auto& x, auto& l) { return repeat_interleave(x, l.integer("times"), l.integer("axis")); })},
      {"triu", [](M& m, const L& l) { m.put(triu(m.x(l), l.integer("diagonal"))); }},
      {"tril", [](M& m, const L& l) { m.put(tril(m.x(l), l.integer("diagonal"))); }},
      {"diag_embed", [](M& m, const L& l) { m.put(diag_embed(m.x(l), l.integer("offset"))); }},
      {"trace", unary([](auto& x) { return trace(x); })},
      {"pad",
       [](M& m, const L& l) {
         const Shape widths = l.shape("widths");
         m.put(pad(m.x(l), std::vector<Index>(widths.begin(), widths.end()), {.value = l.real("value")}));
       }},
      // more indexing
      {"scatter", [](M& m, const L& l) { m.put(scatter(m.x(l), l.integer("axis"), m.ids(l, 1), m.x(l, 2))); }},
      {"scatter_value",
       [](M& m, const L& l) { m.put(scatter(m.x(l), l.integer("axis"), m.ids(l, 1), l.real("value"))); }},
      {"take", [](M& m, const L& l) { m.put(take(m.x(l), m.ids(l, 1))); }},
      {"take_along_dim", [](M& m, const L& l) { m.put(take_along_dim(m.x(l), m.ids(l, 1), l.integer("axis"))); }},
      {"index_copy", [](M& m, const L& l) { m.put(index_copy(m.x(l), l.integer("axis"), m.ids(l, 1), m.x(l, 2))); }},
      {"index_fill",
       [](M& m, const L& l) { m.put(index_fill(m.x(l), l.integer("axis"), m.ids(l, 1), l.real("value"))); }},
      {"index", [](M& m, const L& l) { m.put(index(m.x(l), m.id_lists(l, 1, l.arguments.size()))); }},
      {"index_put_add",
       [](M& m, const L& l) {
         const std::size_t last = l.arguments.size() - 1;
         m.put(index_put(m.x(l), m.id_lists(l, 1, last), m.x(l, last), {.accumulate = true}));
       }},
      {"index_mask", [](M& m, const L& l) { m.put(index(m.x(l), m.mask(l, 1))); }},
      {"masked_select", [](M& m, const L& l) { m.put(masked_select(m.x(l), m.mask(l, 1))); }},
      {"one_hot", [](M& m, const L& l) { m.put(one_hot(m.ids(l, 0), l.integer("classes"))); }},
      {"nonzero", [](M& m, const L& l) { m.put(nonzero(m.mask(l, 0))); }},
      {"sort",
       [](M& m, const L& l) { m.put(sort(m.x(l), l.integer("axis"), {.descending = l.flag("descending")})); }},
      {"argsort",
       [](M& m, const L& l) { m.put(argsort(m.x(l), l.integer("axis"), {.descending = l.flag("descending")})); }},
      {"topk_axis",
       [](M& m, const L& l) {
         m.put(topk(m.x(l), l.integer("k"), l.integer("axis"), {.largest = l.flag("largest")}));
       }},
      {"kthvalue",
       [](M& m, const L& l) { m.put(kthvalue(m.x(l), l.integer("k"), l.integer("axis"), keepdim(l))); }},
      // more products
      {"mm", binary([](auto& a, auto& b) { return mm(a, b); })},
      {"bmm", binary([](auto& a, auto& b) { return bmm(a, b); })},
      {"mv", binary([](auto& a, auto& b) { return mv(a, b); })},
      {"dot", binary([](auto& a, auto& b) { return dot(a, b); })},
      {"outer", binary([](auto& a, auto& b) { return outer(a, b); })},
      {"kron", binary([](auto& a, auto& b) { return kron(a, b); })},
      {"addmm",
       [](M& m, const L& l) {
         m.put(addmm(m.x(l, 0), m.x(l, 1), m.x(l, 2), {.beta = l.real("beta"), .alpha = l.real("alpha")}));
       }},
      {"cdist", [](M& m, const L& l) { m.put(cdist(m.x(l, 0), m.x(l, 1), l.real("p"))); }},
      {"einsum",
       [](M& m, const L& l) { m.put(einsum(runtime_pattern(l.options.at("pattern")), m.template list<T>(l))); }},
      // products and rows
      {"matmul", binary([](auto& a, auto& b) { return matmul(a, b); })},
      {"softmax", [](M& m, const L& l) { m.put(softmax(m.x(l), l.integer("axis"))); }},
      {"log_softmax", [](M& m, const L& l) { m.put(log_softmax(m.x(l), l.integer("axis"))); }},
      {"layer_norm", unary([](auto& x) { return layer_norm(x); })},
      {"cross_entropy", [](M& m, const L& l) {
         m.put(cross_entropy(m.x(l), m.ids(l, 1), {.label_smoothing = l.real("smoothing")}));
       }},
  };
  return table;
}

/// Walks the stored numbers.
class Expected {
 public:
  Expected() : golden_("programs.safetensors") {
    values_ = golden_.tensor<double>("values");
    shapes_ = golden_.tensor<std::int64_t>("shapes");
  }
  Shape next_shape() {
    Shape shape;
    for (Index rank = shapes_.at({shape_++}); rank > 0; --rank) shape.push_back(shapes_.at({shape_++}));
    return shape;
  }
  Tensor<double> next(const Shape& shape) {
    const Tensor<double> y = values_.narrow(0, value_, shape.numel()).view(shape);
    value_ += shape.numel();
    return y;
  }
  bool at_end() const { return shape_ == shapes_.numel() && value_ == values_.numel(); }

 private:
  gloss_test::Golden golden_;
  Tensor<double> values_;
  Tensor<std::int64_t> shapes_;
  Index shape_ = 0, value_ = 0;
};

/// Runs every program and compares results and gradients, relative to 1 + |value|.
template <class T>
void run_programs(double tolerance) {
  std::ifstream in(GLOSS_TEST_DATA "/programs.txt");
  REQUIRE(in);
  Expected expected;
  int programs = 0;
  std::string text;
  std::uint64_t index = 0;
  std::vector<Line> lines;
  for (std::string line; std::getline(in, line); text += line + "\n") {
    if (line.starts_with("program ")) {
      index = std::stoull(line.substr(8));
      lines.clear();
      text.clear();
      continue;
    }
    if (line != "end") {
      lines.emplace_back(line);
      continue;
    }
    ++programs;
    INFO("program " << index << "\n" << text);
    Machine<T> machine(index);
    for (const Line& l : lines) machine.run(l);
    Tensor<T> total;
    for (std::size_t v = 0; v < machine.values().size(); ++v) {
      if (!machine.is_result(v)) continue;
      INFO("value " << v);
      const Shape shape = expected.next_shape();
      const Tensor<double> wanted = expected.next(shape);
      std::visit(
          [&]<class U>(const Tensor<U>& y) {
            REQUIRE(y.shape() == shape);
            CHECK(gloss_test::difference(y, wanted) <= tolerance);
            if constexpr (Real<U>) {
              if (!y.requires_grad()) return;
              Tensor<T> weights = empty<T>(shape);
              for (Index i = 0; i < weights.numel(); ++i)
                weights.data()[i] = static_cast<T>(number(index, 100 + v, static_cast<std::uint64_t>(i)));
              const Tensor<T> part = sum(y * weights);
              total = total.defined() ? total + part : part;
            }
          },
          machine.values()[v]);
    }
    if (total.defined()) total.backward();
    for (const std::size_t leaf : machine.leaves()) {
      INFO("gradient of value " << leaf);
      const Tensor<T>& x = machine.real(leaf);
      const Tensor<T> g = x.grad().defined() ? x.grad() : zeros_like(x);
      CHECK(gloss_test::difference(g, expected.next(x.shape())) <= tolerance);
    }
  }
  CHECK(programs == 2000);
  CHECK(expected.at_end());
}

}  // namespace

TEST_CASE("programs: 2,000 random programs give PyTorch's results and gradients in double", "[ops]") {
  run_programs<double>(1e-9);
}

TEST_CASE("programs: and in float, as far as float goes", "[ops]") { run_programs<float>(1e-4); }
