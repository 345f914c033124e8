// Data: sets and what is made of them, samplers, the Loader, readers.
#include <cstdio>
#include <gloss/data.hpp>
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>

using namespace gloss;

namespace {

void tensors_in_batches() {
  const Tensor<float> x = arange<float>(10).view({5, 2});
  const Tensor<std::int64_t> y = {0, 1, 0, 1, 1};
  for (const auto& [inputs, labels] : data::Loader(data::TensorDataset(x, y), {.batch_size = 2}))
    std::cout << inputs.shape() << " " << labels << "\n";
}

/// Random functions draw from the item's own stream, so that the number of threads changes no bit.
void augmentation_on_threads() {
  const data::LazyDataset squares(1000, [](Index i) { return static_cast<float>(i * i); });
  const data::Map noisy(squares, [](float v, Rng& rng) { return v + uniform_float(rng()); });
  const auto sum_with = [&](Index workers) {
    double total = 0;
    for (const Tensor<float>& batch : data::Loader(noisy, {.batch_size = 64, .shuffle = true, .workers = workers}))
      total += static_cast<double>(sum(batch).item());
    return total;
  };
  std::cout << "the same with 0 and 3 threads: " << (sum_with(0) == sum_with(3)) << "\n";
}

/// A state is two numbers and a third that notices another order.
void a_loop_that_goes_on() {
  const data::VectorDataset<std::int64_t> numbers({0, 1, 2, 3, 4, 5});
  data::Loader first(numbers, {.batch_size = 2, .shuffle = true}), second(numbers, {.batch_size = 2, .shuffle = true});
  for (const auto& batch : first) {
    std::cout << "first: " << batch << "\n";
    break;
  }
  second.load_state(first.state());
  for (const auto& batch : second) std::cout << "second: " << batch << "\n";
}

void classes_of_unequal_size() {
  const Tensor<std::int64_t> labels = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const data::WeightedSampler even(data::balanced_weights(labels), 1000);
  Index rare = 0;
  for (const Tensor<std::int64_t>& batch :
       data::Loader(data::TensorDataset(labels), even, {.batch_size = 100},
                    [](const auto& items) { return std::get<0>(data::default_collate(items)); }))
    rare += sum(batch).item();
  std::cout << "of 1000 items drawn, about half are of the rare class: " << (rare > 400 && rare < 600) << "\n";
  const auto parts = data::hold_out_stratified(labels, {.fraction = 0.5});
  std::cout << "held out: " << parts.held_out.size() << " of " << labels.numel() << "\n";
}

void a_table() {
  const data::Table table = data::parse_csv("animal,legs,weight\nmouse,4,0.02\n\"crane, grey\",2,5.5\n", "animals.csv");
  std::cout << table.texts("animal")[1] << ": " << table.integers("legs")[1] << " legs\n"
            << table.matrix({"legs", "weight"}) << "\n";
  try {
    table.numbers("wieght");
  } catch (const LoadError& error) {
    std::cout << error.what() << "\n";
  }
}

void blocks_of_a_text() {
  const std::string text = "to be or not to be";
  const data::TokenBlocks blocks(from_vector(std::vector<std::int64_t>(text.begin(), text.end())), {.context = 8});
  for (Index i = 0; i < blocks.size(); ++i) {
    const auto [x, y] = blocks.get(i);
    const auto letters = [](const Tensor<std::int64_t>& ids) {
      return std::string(ids.data(), ids.data() + ids.numel());
    };
    std::cout << "'" << letters(x) << "' -> '" << letters(y) << "'\n";
  }
}

}  // namespace

int main() {
  tensors_in_batches();
  augmentation_on_threads();
  a_loop_that_goes_on();
  classes_of_unequal_size();
  a_table();
  blocks_of_a_text();
}
