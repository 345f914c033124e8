// Masks and attention: who may look at whom, and what they see.
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>

using namespace gloss;

int main() {
  // Attention is a soft look-up. Each query is compared with every key; the softmax of the scores says how much of each
  // value goes into the answer. Here three keys are far apart, and the queries resemble the first, the last, and both.
  const Tensor<double> key = {{3, 0, 0}, {0, 3, 0}, {0, 0, 3}};
  const Tensor<double> value = {{1, 0}, {2, 0}, {3, 1}};
  const Tensor<double> query = {{3, 0, 0}, {0, 0, 3}, {2, 0, 2}};
  const auto [x, p_attn] = transformer::attention(query, key, value);
  std::cout << "weights, a row for each query:\n" << p_attn << "\n";
  std::cout << "what each query sees:\n" << x << "\n\n";

  // A mask is a tensor of truth values that broadcasts to [..., queries, keys]: true where looking is allowed.
  const Tensor<bool> no_last = Tensor<bool>{true, true, false}.unsqueeze(0);
  std::cout << "weights with the last key hidden:\n"
            << transformer::attention(query, key, value, no_last).p_attn << "\n\n";

  // A decoder must not see the words it is to predict: position i looks at positions up to i.
  std::cout << "subsequent_mask(4):\n" << transformer::subsequent_mask(4) << "\n\n";

  // Sentences of a batch are filled up to one length with a padding token, here 0, which nobody should look at. Batch
  // makes both masks from the tokens, and splits the target into what the decoder reads and what it must say.
  const Tensor<std::int64_t> src = {{1, 5, 6, 2}, {1, 7, 2, 0}}, tgt = {{1, 8, 9, 2}, {1, 8, 2, 0}};
  const train::Batch batch(src, tgt, 0);
  std::cout << "src_mask, shape " << batch.src_mask.shape() << ":\n" << batch.src_mask << "\n";
  std::cout << "the decoder reads\n" << batch.tgt << "\nand must say\n" << batch.tgt_y << "\n";
  std::cout << "tgt_mask of the second sentence:\n" << batch.tgt_mask[1] << "\n\n";

  // Several heads look at once, each through projections of its own. The weights are returned on request.
  manual_seed(5);
  const Index d_model = 8, h = 2;
  transformer::MultiHeadedAttention<double> self_attn(h, d_model);
  self_attn.eval();  // no dropout
  const Tensor<double> words = randn<double>({2, 3, d_model});
  Tensor<double> weights;
  const Tensor<double> y = self_attn(words, words, words, batch.tgt_mask, &weights);
  std::cout << "self-attention " << words.shape() << " -> " << y.shape() << ", weights " << weights.shape() << "\n";
  std::cout << "first sentence, first head:\n" << weights[0][0] << "\n";
  std::cout << "each row sums to one: " << (abs(sum(weights[0][0], -1) - 1) < 1e-12) << "\n\n";

  // What the mask promises: the last word may change as it likes, the words before it do not notice.
  Tensor<double> changed = words.clone();
  changed.select(1, -1).fill_(100);
  const Tensor<double> y2 = self_attn(changed, changed, changed, batch.tgt_mask);
  const Tensor<double> difference = max(abs(y - y2), -1).values;
  std::cout << "which words of each sentence notice a change of the last:\n" << (difference != 0) << "\n\n";

  // With a fully masked row there is nothing to look at. The masked score is -1e9 and not -infinity, so the weights are
  // uniform instead of NaN.
  const Tensor<bool> nothing = zeros<bool>({1, 3});
  std::cout << "weights with every key hidden:\n" << transformer::attention(query, key, value, nothing).p_attn << "\n";
}
