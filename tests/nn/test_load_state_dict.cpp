// State dicts with tensors of several types, and loading them.
#include <gloss/nn/clones.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/load_state_dict.hpp>
#include <gloss/ops/cast.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using gloss_test::values;
using Names = std::vector<std::string>;

namespace {

/// Every kind of tensor that a module can hold, and a tie.
template <Real T>
struct Mixed final : nn::Module<T> {
  nn::Linear<T> first{2, 3}, second{2, 3};
  nn::Buffer<T> mean{zeros<T>({3})}, scratch{zeros<T>({2}), {.persistent = false}}, absent;
  nn::Buffer<std::int64_t> count{full<std::int64_t>({}, 0)}, index{Tensor<std::int64_t>{{0, 1}, {1, 0}}};
  nn::Buffer<bool> mask{Tensor<bool>{true, false}};

  explicit Mixed(bool tied = false) {
    if (tied) second.weight.tie(first.weight);
  }
  void visit(nn::Visitor<T>& v) override {
    v("first", first);
    v("second", second);
    v("mean", mean);
    v("scratch", scratch);
    v("absent", absent);
    v("count", count);
    v("index", index);
    v("mask", mask);
  }
};

const Names mixed_names{"first.weight", "first.bias", "second.weight", "second.bias", "mean", "count", "index", "mask"};

template <Real T>
void check_equal(const Mixed<T>& a, const nn::StateDict& b) {
  for (const auto& [name, tensor] : a.state_dict()) {
    INFO(name);
    const AnyTensor& other = b[name];
    nn::detail::with_state_type<T>(tensor,
                                   [&]<class U>(const Tensor<U>& x) { CHECK(same_bits(x, other.template as<U>())); });
  }
}

/// A state dict with copies of the tensors, to be changed by a test.
template <Real T>
nn::StateDict copy_of(const nn::Module<T>& m) {
  nn::StateDict out;
  for (const auto& [name, tensor] : m.state_dict())
    nn::detail::with_state_type<T>(tensor, [&, &key = name](const auto& x) { out.add(key, x.clone()); });
  return out;
}

}  // namespace

TEST_CASE("StateDict: finds tensors by name, keeps their order, and names the nearest where there is none") {
  const Mixed<float> m;
  nn::StateDict dict = m.state_dict();
  CHECK(dict.names() == mixed_names);
  CHECK(dict.size() == 8);
  CHECK(dict["index"].as<std::int64_t>().at({1, 0}) == 1);
  CHECK(dict.find("scratch") == nullptr);
  CHECK_ERROR(dict["first.wieght"], Error,
              "state dict: there is no 'first.wieght'; the nearest name is 'first.weight'");
  CHECK_ERROR(dict["decoder"], Error, "state dict: there is no 'decoder'");
  for (auto& [name, tensor] : dict) name = "model." + name;
  CHECK(dict.find("model.mask") != nullptr);
  CHECK(nn::StateDict().empty());
}

TEST_CASE("Buffer: of real numbers, int64 or bool, is copied with its module; one that does not persist is not saved") {
  const Mixed<double> m;
  CHECK(m.named_buffers().names() == Names{"mean", "scratch", "count", "index", "mask"});
  CHECK(m.named_parameters().size() == 4);
  Mixed<double> copy = m;
  CHECK_FALSE(copy.scratch.is_persistent());
  copy.count.fill_(7);
  copy.scratch.fill_(7);
  CHECK(m.count.item() == 0);
  CHECK(m.scratch.at({1}) == 0);
  const Mixed<double> twin = nn::clone(copy);
  CHECK(twin.count.item() == 7);
  CHECK(twin.scratch.at({1}) == 7);
  copy = m;
  CHECK(copy.scratch.at({1}) == 0);
  CHECK_FALSE(copy.scratch.is_persistent());
}

TEST_CASE("load_state_dict: copies every tensor of another module, int64 and bool too, and leaves handles alone") {
  Mixed<float> to, from;
  from.count.fill_(12);
  from.mean.fill_(0.5f);
  from.mask.fill_(true);
  from.index.fill_(3);
  const Tensor<float> handle = to.first.weight;
  CHECK(nn::load_state_dict(to, from.state_dict()).complete());
  check_equal(to, from.state_dict());
  CHECK(to.first.weight.is_same(handle));
  CHECK(handle.requires_grad());
  CHECK_FALSE(to.first.weight.data() == from.first.weight.data());
}

TEST_CASE("load_state_dict: casts a model from float to double and back without a change") {
  Mixed<float> model, again;
  Mixed<double> exact;
  model.count.fill_(3);
  nn::load_state_dict(exact, model.state_dict());
  CHECK(difference(exact.first.weight, model.first.weight) == 0);
  CHECK(exact.count.item() == 3);
  nn::load_state_dict(again, exact.state_dict());
  check_equal(again, model.state_dict());
}

TEST_CASE("load_state_dict: of tied tensors one name is enough") {
  Mixed<float> tied(true);
  const Mixed<float> other(true);
  nn::StateDict dict;
  for (const auto& [name, tensor] : other.state_dict())
    if (name != "first.weight") dict.add(name, tensor);
  CHECK(nn::load_state_dict(tied, dict).complete());
  CHECK(same_bits(tied.first.weight.detach(), other.first.weight.detach()));
  CHECK(tied.second.weight.is_same(tied.first.weight));
  Mixed<float> free;
  CHECK_ERROR(nn::load_state_dict(free, dict), LoadError, "load_state_dict: first.weight is missing");
}

TEST_CASE("load_state_dict: each problem is said with name and both shapes or types") {
  Mixed<float> m;
  const auto with = [&](const std::string& name, const AnyTensor& tensor) {
    nn::StateDict dict;
    for (const auto& [key, value] : m.state_dict()) dict.add(key, key == name ? tensor : value);
    return dict;
  };
  CHECK_ERROR(nn::load_state_dict(m, with("first.bias", zeros<float>({2}))), LoadError,
              "load_state_dict: first.bias has shape [2], the model's has [3]");
  CHECK_ERROR(nn::load_state_dict(m, with("first.bias", zeros<std::int64_t>({3}))), LoadError,
              "load_state_dict: first.bias holds int64, which does not read as float32");
  CHECK_ERROR(nn::load_state_dict(m, with("count", zeros<float>({}))), LoadError,
              "load_state_dict: count holds float32, which does not read as int64");
  CHECK_ERROR(nn::load_state_dict(m, with("mask", zeros<std::int64_t>({2}))), LoadError,
              "load_state_dict: mask holds int64, which does not read as bool");
  auto more = m.state_dict();
  more.add("third", zeros<float>({1}));
  CHECK_ERROR(nn::load_state_dict(m, more), LoadError, "load_state_dict: third is unexpected");
}

TEST_CASE(
    "load_state_dict: several problems are listed at once, missing beside unexpected names, and nothing changes") {
  Mixed<float> m;
  const Mixed<float> before = m;
  nn::StateDict dict = copy_of(Mixed<float>());
  for (auto& [name, tensor] : dict) {
    if (name == "first.weight") name = "first.kernel.weight";
    if (name == "mean") tensor = zeros<float>({4});
    if (name == "mask") name = "zzz";
  }
  CHECK_ERROR(nn::load_state_dict(m, dict), LoadError,
              "load_state_dict: 5 problems, nothing was loaded\n"
              "  first.weight is missing; the nearest unexpected name is first.kernel.weight\n"
              "  mask is missing\n"
              "  first.kernel.weight is unexpected; the nearest missing name is first.weight\n"
              "  zzz is unexpected\n"
              "  mean has shape [4], the model's has [3]");
  check_equal(m, before.state_dict());
}

TEST_CASE("load_state_dict: a long list of problems is cut, and says how many there are") {
  struct Many final : nn::Module<float> {
    std::vector<nn::Linear<float>> layers = nn::clones(nn::Linear<float>(1, 1), 15);
    void visit(nn::Visitor<float>& v) override { v("layers", layers); }
  };
  Many many;
  std::string text;
  try {
    nn::load_state_dict(many, {});
  } catch (const LoadError& error) {
    text = error.what();
  }
  CHECK(text.starts_with("load_state_dict: 30 problems, nothing was loaded\n  layers.0.weight is missing\n"));
  CHECK(text.ends_with("\n  layers.9.bias is missing\n  and 10 more"));
}

TEST_CASE("load_state_dict: without strict loads what fits and reports the rest; a wrong shape stays an error") {
  Mixed<float> m;
  nn::StateDict dict = copy_of(Mixed<float>());
  for (auto& [name, tensor] : dict)
    if (name == "second.bias") name = "second.offset";
  const nn::LoadReport report = nn::load_state_dict(m, dict, {.strict = false});
  CHECK_FALSE(report.complete());
  CHECK(report.problems() == 2);
  CHECK(report.missing == Names{"second.bias"});
  CHECK(report.unexpected == Names{"second.offset"});
  CHECK(report.lines() == Names{"second.bias is missing; the nearest unexpected name is second.offset",
                                "second.offset is unexpected; the nearest missing name is second.bias"});
  CHECK(report.lines(1) == Names{"second.bias is missing; the nearest unexpected name is second.offset", "and 1 more"});
  CHECK(same_bits(m.first.weight.detach(), dict["first.weight"].as<float>()));

  for (auto& [name, tensor] : dict)
    if (name == "first.weight") tensor = ones<float>({5, 2});
  CHECK_ERROR(nn::load_state_dict(m, dict, {.strict = false}), LoadError,
              "load_state_dict: first.weight has shape [5, 2], the model's has [3, 2]");
  const auto skipped = nn::load_state_dict(m, dict, {.strict = false, .skip_wrong_shapes = true});
  REQUIRE(skipped.wrong_shape.size() == 1);
  CHECK(skipped.wrong_shape[0].name == "first.weight");
  CHECK(skipped.wrong_shape[0].stored == Shape{5, 2});
  CHECK(skipped.wrong_shape[0].wanted == Shape{3, 2});
  CHECK(m.first.weight.at({0, 0}) != 1);
}

TEST_CASE("load_state_dict: a prefix selects a part of the source, and other entries are none of its business") {
  nn::Linear<double> layer(2, 3);
  const Mixed<double> whole;
  nn::load_state_dict(layer, whole.state_dict(), {.prefix = "second."});
  CHECK(same_bits(layer.weight.detach(), whole.second.weight.detach()));
  CHECK_ERROR(nn::load_state_dict(layer, whole.state_dict(), {.prefix = "third."}), LoadError,
              "load_state_dict: 2 problems, nothing was loaded\n  third.weight is missing\n  third.bias is missing");
}
