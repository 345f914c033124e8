// A program that only runs a BERT, to be compiled for scripts/compile_times.sh.
#include <iostream>

#include <gloss/io/pretrained.hpp>
#include <gloss/models/bert.hpp>

int main(int, char** argv) {
  using namespace gloss;
  const auto bert = io::from_pretrained<models::BertModel<float>>(argv[1]);
  const NoGradGuard no_grad;
  const Tensor<float> x = bert({Tensor<std::int64_t>{{101, 7592, 102}}}).last_hidden_state;
  for (Index i = 0; i < x.size(-1); ++i) std::cout << x.at({0, 0, i}) << "\n";
}
