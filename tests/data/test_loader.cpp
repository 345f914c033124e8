#include <gloss/data/default_collate.hpp>
#include <gloss/data/loader.hpp>
#include <gloss/data/prefetcher.hpp>
#include <gloss/ops/add.hpp>

#include <atomic>
#include <chrono>
#include <thread>

#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using data::Loader;
using gloss_test::same_bits;
using gloss_test::values;

namespace {

/// Images with noise of the item's stream, and their numbers; now and then one takes its time.
auto noisy(Index n) {
  return data::LazyDataset(n, [](Index i, Rng& rng) {
    if (rng.below(8) == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    return std::tuple(rand<float>({3, 40, 40}) + static_cast<float>(i), i);
  });
}
struct Collated {
  std::vector<Tensor<float>> x;
  std::vector<std::vector<std::int64_t>> ids;

  template <class L>
  explicit Collated(L&& loader, int epochs = 1) {
    for (int e = 0; e < epochs; ++e)
      for (const auto& [images, numbers] : loader) {
        x.push_back(images);
        ids.push_back(values(numbers));
      }
  }
  bool operator==(const Collated& other) const {
    if (ids != other.ids) return false;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (!same_bits(x[i], other.x[i])) return false;
    return true;
  }
};

}  // namespace

TEST_CASE("Loader: an epoch has every item once, the last batch what is left") {
  const data::VectorDataset<std::int64_t> numbers({0, 1, 2, 3, 4, 5, 6});
  Loader loader(numbers, {.batch_size = 3});
  CHECK(loader.size() == 3);
  std::vector<std::vector<std::int64_t>> seen;
  for (const auto& batch : loader) seen.push_back(values(batch));
  CHECK(seen == std::vector<std::vector<std::int64_t>>{{0, 1, 2}, {3, 4, 5}, {6}});
  CHECK(loader.epoch() == 1);

  Loader full(numbers, {.batch_size = 3, .shuffle = true, .drop_last = true});
  CHECK(full.size() == 2);
  std::vector<std::int64_t> first, second;
  for (const auto& batch : full) {
    CHECK(batch.size(0) == 3);
    first.push_back(batch[0].item());
  }
  for (const auto& batch : full) second.push_back(batch[0].item());
  CHECK(first != second);
  full.set_epoch(0);
  std::vector<std::int64_t> again;
  for (const auto& batch : full) again.push_back(batch[0].item());
  CHECK(again == first);
}

TEST_CASE("Loader: the same bits for any number of workers, batches waiting and threads") {
  const auto with = [](Index workers, Index prefetch) {
    return Collated(
        Loader(noisy(67), {.batch_size = 8, .shuffle = true, .workers = workers, .prefetch = prefetch, .seed = 3}), 3);
  };
  const Collated expected = with(0, 1);
  REQUIRE(expected.ids.size() == 27);
  for (const Index workers : {1, 2, 4, 13}) CHECK(with(workers, workers == 4 ? 1 : 2) == expected);
  for (const int threads : {1, 3}) {
    const gloss_test::Threads use(threads);
    CHECK(with(2, 2) == expected);
  }
  CHECK_FALSE(Collated(Loader(noisy(67), {.batch_size = 8, .shuffle = true, .seed = 4}), 3) == expected);
  // An item drawn twice in an epoch is not the same twice.
  const Collated twice(Loader(noisy(1), data::RandomSampler(1, {.replacement = true, .count = 2}), {.batch_size = 2}));
  CHECK(twice.ids == std::vector<std::vector<std::int64_t>>{{0, 0}});
  CHECK_FALSE(same_bits(twice.x[0][0], twice.x[0][1]));
}

TEST_CASE("Loader: the caller's random stream and grad mode stay what they were") {
  Rng rng(5);
  const RngGuard use(rng);
  Collated seen(Loader(noisy(10), {.batch_size = 2}));
  CHECK(rng.position() == 0);
  CHECK(is_grad_enabled());
}

TEST_CASE("Loader: goes on from a saved state with the same bits, at any batch of any epoch") {
  const auto make = [](Index workers) {
    return Loader(noisy(23), {.batch_size = 4, .shuffle = true, .workers = workers, .seed = 9});
  };
  std::vector<data::LoaderState> states;
  const Collated whole = [&] {
    auto loader = make(2);
    states.push_back(loader.state());
    for (int e = 0; e < 3; ++e)
      for ([[maybe_unused]] const auto& batch : loader) states.push_back(loader.state());
    return Collated(make(0), 3);
  }();
  REQUIRE(states.size() == 19);
  for (std::size_t stop = 0; stop < states.size(); ++stop) {
    auto loader = make(static_cast<Index>(stop % 3));
    loader.load_state(states[stop]);
    CHECK(loader.state() == states[stop]);
    std::size_t at = stop;
    while (loader.epoch() < 3)
      for (const auto& [images, numbers] : loader) {
        REQUIRE(at < whole.x.size());
        CHECK(values(numbers) == whole.ids[at]);
        CHECK(same_bits(images, whole.x[at++]));
      }
    CHECK(at == whole.x.size());
  }
}

TEST_CASE("Loader: a loop that is left goes on there") {
  for (const Index workers : {0, 2}) {
    Loader loader(data::VectorDataset<std::int64_t>({0, 1, 2, 3, 4}), {.workers = workers});
    for (const auto& batch : loader)
      if (batch[0].item() == 1) break;
    CHECK(loader.state().batch == 2);
    std::vector<std::int64_t> rest;
    for (const auto& batch : loader) rest.push_back(batch[0].item());
    CHECK(rest == std::vector<std::int64_t>{2, 3, 4});
    for ([[maybe_unused]] const auto& batch : loader) break;  // and its threads end with it
  }
}

TEST_CASE("Loader: what an item throws comes at its turn, with its number and name") {
  struct Files {
    Index size() const { return 6; }
    int get(Index i) const {
      if (i == 3) fail<LoadError>("read_image: c.png: damaged");
      if (i == 4) throw std::runtime_error("no luck");
      if (i == 5) throw 42;
      return static_cast<int>(i);
    }
    std::string name(Index i) const { return i == 3 ? "c.png" : ""; }
  };
  for (const Index workers : {0, 1, 3}) {
    Loader loader(Files(), {.workers = workers});
    int seen = 0;
    const auto rest = [&] {
      for (const auto& batch : loader) CHECK(batch[0].item() == seen++);
    };
    CHECK_ERROR(rest(), LoadError, "Loader: item 3 (c.png): read_image: c.png: damaged");
    CHECK(seen == 3);
    CHECK_ERROR(rest(), LoadError, "Loader: item 3 (c.png): read_image: c.png: damaged");
    loader.load_state({0, 4, 0});
    CHECK_ERROR(rest(), Error, "Loader: item 4: no luck");
    loader.load_state({0, 5, 0});
    CHECK_THROWS_AS(rest(), int);
  }
  const std::vector<Tensor<float>> uneven = {zeros<float>({2}), zeros<float>({3})};
  Loader loader(data::VectorDataset<Tensor<float>>(uneven), {.batch_size = 2});
  CHECK_ERROR(loader.begin(), ShapeError,
              "Loader: batch 0 of epoch 0: stack: tensor 1 has shape [3], tensor 0 has [2]");
  Loader beyond(data::VectorDataset<int>({1}), data::LengthSampler({1, 1}, {.max_tokens = 1, .shuffle = false}));
  for ([[maybe_unused]] const auto& batch : beyond) break;
  CHECK_ERROR(beyond.begin(), IndexError, "Loader: item 1: VectorDataset: item 1 is out of range, there are 1");
  const data::Subset missing(Files(), {3});
  Loader named(missing);
  CHECK_ERROR(named.begin(), LoadError, "Loader: item 0 (c.png): read_image: c.png: damaged");
}

TEST_CASE("Loader: options and states that make no sense") {
  const data::VectorDataset<int> numbers({1, 2, 3});
  CHECK_ERROR(Loader(numbers, {.batch_size = 0}), Error, "Loader: batch_size 0 is below 1");
  CHECK_ERROR(Loader(numbers, {.workers = -1}), Error, "Loader: workers -1 is below 0");
  CHECK_ERROR(Loader(numbers, {.prefetch = 0}), Error, "Loader: prefetch 0 is below 1");
  CHECK_ERROR(Loader(numbers, data::SequentialSampler(3), {.shuffle = true}), Error,
              "Loader: the sampler gives the order: shuffle is not for a Loader that has one");
  CHECK_ERROR(Loader(numbers, data::GroupSampler({0, 0, 1}), {.batch_size = 2}), Error,
              "Loader: the sampler makes the batches: batch_size and drop_last are not for a Loader that has one");
  Loader loader(numbers, {.batch_size = 2});
  CHECK_ERROR(loader.set_epoch(-1), IndexError, "Loader: epoch -1 is negative");
  CHECK_ERROR(loader.load_state({1, 3, 0}), IndexError, "Loader: batch 3 is out of range, epoch 1 has 2");
  CHECK_ERROR(loader.load_state({1, -1, 0}), IndexError, "Loader: batch -1 is out of range, epoch 1 has 2");
  const data::LoaderState state = loader.state();
  for (auto&& other : {data::LoaderOptions{.batch_size = 1}, data::LoaderOptions{.batch_size = 2, .seed = 2}})
    CHECK_ERROR(Loader(numbers, other).load_state(state), LoadError,
                "Loader: the state is that of another order of epoch 0: other items, another sampler, batch size or "
                "seed");
  CHECK(loader.state() == state);
  Loader none(data::VectorDataset<int>({}), {.shuffle = true, .workers = 2});
  CHECK(none.size() == 0);
  for ([[maybe_unused]] const auto& batch : none) FAIL("there is nothing");
  CHECK(none.epoch() == 1);
}

TEST_CASE("Loader: a collate function of one's own, with a stream of the batch") {
  const auto collate = [](const std::vector<int>& items, Rng& rng) { return std::pair(items, rng()); };
  const data::VectorDataset<int> numbers({1, 2, 3});
  const auto all = [&](Index workers) {
    Loader loader(numbers, {.batch_size = 2, .workers = workers}, collate);
    std::vector<std::pair<std::vector<int>, std::uint32_t>> seen;
    for (const auto& batch : loader) seen.push_back(batch);
    return seen;
  };
  CHECK(all(0) == all(3));
  CHECK(all(0)[0].first == std::vector<int>{1, 2});
  CHECK(all(0)[0].second != all(0)[1].second);
}

TEST_CASE("Loader: no more batches wait than were asked for, and loops of a worker stay on it") {
  std::atomic<Index> made{0};
  std::atomic<int> threads{0};
  const data::LazyDataset counted(100, [&](Index i) {
    ++made;
    threads = num_threads();
    return i;
  });
  Loader loader(counted, {.workers = 2, .prefetch = 3});
  auto at = loader.begin();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK(made <= 7);
  CHECK(threads == 1);
  ++at;
  CHECK((*at)[0].item() == 1);
  static_assert(std::input_iterator<decltype(at)> && std::ranges::range<decltype(loader)>);
}

TEST_CASE("default_collate: tensors are stacked, numbers become a tensor, tuples go part by part, the rest stays") {
  const auto [x, y, words] = data::default_collate(std::vector<std::tuple<Tensor<float>, std::int64_t, std::string>>{
      {from_vector<float>({1, 2}), 3, "a"}, {from_vector<float>({4, 5}), 6, "b"}});
  CHECK(x.shape() == Shape{2, 2});
  CHECK(values(x) == std::vector<float>{1, 2, 4, 5});
  CHECK(values(y) == std::vector<std::int64_t>{3, 6});
  CHECK(words == std::vector<std::string>{"a", "b"});
  CHECK(values(data::default_collate(std::vector<bool>{true, false})) == std::vector<bool>{true, false});
  const auto pair = data::DefaultCollate()(std::vector<std::pair<float, double>>{{1.0f, 2.0}});
  CHECK(std::get<0>(pair).shape() == Shape{1});
  CHECK(std::get<1>(pair).item() == 2);
}
