// Porting a PyTorch model: original.py is the model, original.safetensors its dump. docs/porting.md goes through it.
#include <gloss/gloss.hpp>
#include <gloss/io/parity.hpp>
#include <gloss/iostream.hpp>
#include <gloss/nn/summary.hpp>
#include <iostream>

using namespace gloss;
using std::cout;

template <Real T>
struct Block final : nn::Module<T> {
  nn::LayerNorm<T> norm;
  nn::Linear<T> w_1, w_2;
  GeluKind kind;

  Block(Index size, Index hidden, GeluKind gelu_kind)
      : norm(size), w_1(size, hidden), w_2(hidden, size), kind(gelu_kind) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(x + w_2(gelu(w_1(norm(x)), kind))); }
  void visit(nn::Visitor<T>& v) override {
    v("norm", norm);
    v("w_1", w_1);
    v("w_2", w_2);
  }
};

template <Real T>
struct Tagger final : nn::Module<T> {
  nn::Embedding<T> lut;
  std::vector<Block<T>> blocks;
  nn::Linear<T> head;

  Tagger(Index vocab, Index size, Index depth, Index tags, GeluKind kind = GeluKind::exact)
      : lut(vocab, size),
        blocks(nn::repeated(depth, [&] { return Block<T>(size, 2 * size, kind); })),
        head(size, tags) {}
  Tensor<T> operator()(const Tensor<std::int64_t>& ids) const {
    Tensor<T> x = lut(ids);
    for (const Block<T>& block : blocks) x = block(x);
    return this->output(head(x));
  }
  void visit(nn::Visitor<T>& v) override {
    v("lut", lut);
    v("blocks", blocks);
    v("head", head);
  }
};

int main() {
  // The same names, the same shapes?
  io::Parity<double> parity("original.safetensors");
  Tagger<double> deeper(10, 6, 3, 3);
  try {
    parity.load(deeper);
  } catch (const LoadError& error) {
    cout << error.what() << "\n\n";
  }

  // The same numbers? This port takes the wrong kind of GELU.
  Tagger<double> wrong(9, 6, 2, 3, GeluKind::tanh);
  parity.load(wrong);
  cout << parity.compare(wrong, [&] { return wrong(parity.ids(0)); }).text() << "\n";

  Tagger<double> model(9, 6, 2, 3);
  parity.load(model);
  cout << parity.compare(model, [&] { return model(parity.ids(0)); }).text() << "\n";

  // In float, which is what will be used.
  Tagger<float> used(9, 6, 2, 3);
  nn::load_state_dict(used, model.state_dict());
  cout << nn::summary(used, parity.ids(0)) << "\n";

  // What a layer returns, for whoever needs it.
  nn::Taps<float> taps(used, {"blocks.0", "blocks.1"});
  used(parity.ids(0));
  cout << taps["blocks.0"].shape() << " and " << taps["blocks.1"].shape() << "\n";

  // Fine-tuning the head alone.
  nn::freeze(used, "lut");
  nn::freeze(used, "blocks.*");
  cout << used.num_parameters(true) << " of " << used.num_parameters() << " numbers are trained\n";
}
