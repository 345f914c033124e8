// Members that visit() forgets: nn::check, and what builds with assertions do by themselves.
#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <gloss/nn/batch_norm.hpp>
#include <gloss/nn/check.hpp>
#include <gloss/nn/clones.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/member.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/nn/transformer.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using Visitor = nn::Visitor<float>;
using Module = nn::Module<float>;
using Linear = nn::Linear<float>;

namespace {

/// Names its members but the one whose number it is given.
struct Net final : Module {
  int forgotten;
  Linear fc{2, 3};
  nn::Parameter<float> scale{ones<float>({2, 3})};
  std::vector<Linear> blocks = nn::clones(Linear(2, 2), 2);
  std::optional<nn::Dropout<float>> drop{0.5};
  nn::Buffer<std::int64_t> table{zeros<std::int64_t>({4})};
  nn::Sequential<float, Linear, nn::Dropout<float>> head{Linear(2, 2), nn::Dropout<float>(0.5)};
  // no members of the model
  Tensor<float> constant = ones<float>({2});
  std::optional<Linear> none;
  nn::Parameter<float> undefined;
  nn::Buffer<bool> no_mask;
  std::vector<Linear> empty;

  explicit Net(int which = -1) : forgotten(which) {}
  void visit(Visitor& v) override {
    if (forgotten != 0) v("fc", fc);
    if (forgotten != 1) v("scale", scale);
    if (forgotten != 2) v("blocks", blocks);
    if (forgotten != 3 && drop) v("drop", *drop);
    if (forgotten != 4) v("table", table);
    if (forgotten != 5) v("head", head);
    if (none) v("none", *none);
    v("undefined", undefined);
    v("empty", empty);
  }
};

struct Outer final : Module {
  std::vector<Net> nets;
  Linear last{1, 1};
  explicit Outer(int which) { nets.emplace_back(), nets.emplace_back(which); }
  void visit(Visitor& v) override { v("nets", nets), v("last", last); }
};

}  // namespace

TEST_CASE("check: passes where visit names all there is; constants and what is missing need no name") {
  CHECK_NOTHROW(nn::check(Net()));
  CHECK_NOTHROW(nn::check(Outer(-1)));
  Net with_optional;
  with_optional.none.emplace(1, 1);
  CHECK_NOTHROW(nn::check(with_optional));
}

TEST_CASE("check: names the type of what visit forgets, and what is named before it, at any level") {
  CHECK_ERROR(nn::check(Net(0)), Error, "check: Net has a Linear that visit does not name, its first member");
  CHECK_ERROR(nn::check(Net(1)), Error,
              "check: Net has a Parameter of shape [2, 3] that visit does not name, after fc.bias");
  CHECK_ERROR(nn::check(Net(2)), Error, "check: Net has a Linear that visit does not name, after scale");
  CHECK_ERROR(nn::check(Net(3)), Error, "check: Net has a Dropout that visit does not name, after blocks.1.bias");
  CHECK_ERROR(nn::check(Net(4)), Error, "check: Net has a Buffer of shape [4] that visit does not name, after drop");
  CHECK_ERROR(nn::check(Net(5)), Error, "check: Net has a Sequential that visit does not name, after table");
  CHECK_ERROR(nn::check(Outer(0)), Error, "check: Outer has a Linear that visit does not name, after nets.1");
  CHECK_ERROR(nn::check(Outer(3)), Error,
              "check: Outer has a Dropout that visit does not name, after nets.1.blocks.1.bias");
}

TEST_CASE("check: a module that a function holds is found, one of another type too, a shared one is not") {
  const Linear inner(2, 2);
  const nn::Sequential held(Linear(2, 2), [inner](const Tensor<float>& x) { return inner(x); });
  CHECK_THROWS_AS(nn::check(held), Error);
  struct Shared final : Module {
    std::shared_ptr<Linear> outside = std::make_shared<Linear>(2, 2);
    const Linear* other = outside.get();
    void visit(Visitor&) override {}
  };
  CHECK_NOTHROW(nn::check(Shared()));
  struct Mixed final : Module {
    nn::Linear<double> exact{2, 2};
    void visit(Visitor&) override {}
  };
  CHECK_ERROR(nn::check(Mixed()), Error,
              "check: Mixed has a member of another element type that visit does not name, its first member");
}

TEST_CASE("check: a copy constructor's temporaries are no members, and those that it makes anew are") {
  struct Own final : Module {
    Linear a{2, 2}, forgotten{2, 2};
    bool forgets;
    explicit Own(bool f) : forgets(f) {}
    Own(const Own& o) : Module(o), forgets(o.forgets) {
      const Linear temporary = o.a;
      Linear passed_on = temporary;
      a = std::move(passed_on);
      forgotten = Linear(temporary);
    }
    void visit(Visitor& v) override {
      v("a", a);
      if (!forgets) v("forgotten", forgotten);
    }
  };
  CHECK_NOTHROW(nn::check(Own(false)));
  CHECK_ERROR(nn::check(Own(true)), Error, "check: Own has a Linear that visit does not name, after a.bias");
}

TEST_CASE("check: the library's own models name all their members; ties are no matter") {
  using transformer::make_model;
  CHECK_NOTHROW(nn::check(make_model<float>({.src_vocab = 5,
                                             .tgt_vocab = 5,
                                             .N = 2,
                                             .d_model = 8,
                                             .d_ff = 4,
                                             .h = 2,
                                             .max_len = 4,
                                             .share_embeddings = true})));
  CHECK_NOTHROW(nn::check(
      nn::Transformer<float>(8, 2, {.num_encoder_layers = 1, .num_decoder_layers = 2, .dim_feedforward = 4})));
  CHECK_NOTHROW(nn::check(nn::TransformerEncoderLayer<double>(8, 2, {.activation = nn::Dropout<double>(0.5)})));
  CHECK_NOTHROW(nn::check(nn::BatchNorm1d<float>(3)));
}

TEST_CASE("check: threads check at the same time") {
  std::vector<std::thread> threads;
  std::atomic<int> found = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) try {
          nn::check(Net(t % 2 ? -1 : 3));
        } catch (const Error&) {
          ++found;
        }
    });
  for (auto& t : threads) t.join();
  CHECK(found == 2 * 20);
}

#ifndef NDEBUG
namespace {
template <int>
struct Forgetful final : Module {
  Linear fc{2, 2};
  nn::Dropout<float> drop{0.5};
  void visit(Visitor& v) override { v("fc", fc); }
};
template <class M>
struct Holder final : Module {
  Linear first{2, 2};
  std::vector<M> list{1};
  void visit(Visitor& v) override { v("first", first), v("list", list); }
};
const char* const forgets = "check: Forgetful has a Dropout that visit does not name, after fc.bias";
}  // namespace

TEST_CASE("assertions: eval, train, parameters and state_dict of a model find what a submodule forgets, every time") {
  Holder<Forgetful<0>> model;
  for (int i = 0; i < 2; ++i) {
    CHECK_ERROR(model.eval(), Error, forgets);
    CHECK_ERROR(model.train(), Error, forgets);
    CHECK_ERROR(model.parameters(), Error, forgets);
    CHECK_ERROR(model.state_dict(), Error, forgets);
  }
  CHECK(model.list[0].drop.is_training());
}

TEST_CASE("assertions: a model that the program clones anywhere is checked from the beginning") {
  Forgetful<1> model;
  CHECK_ERROR(model.eval(), Error, forgets);
  CHECK_ERROR(model.parameters(), Error, forgets);
  CHECK_NOTHROW(nn::clone(model));
}

TEST_CASE("assertions: what names its members, and what cannot be copied, passes") {
  Net net;
  net.eval();
  CHECK_FALSE(net.head.get<1>().is_training());
  struct Unique final : Module {
    Linear fc{2, 2};
    Unique() = default;
    Unique(const Unique&) = delete;
    void visit(Visitor& v) override { v("fc", fc); }
  };
  struct Within final : Module {
    Unique unique;
    void visit(Visitor& v) override { v("unique", unique); }
  };
  Within within;
  within.eval();
  CHECK_FALSE(within.unique.fc.is_training());
}
#endif
