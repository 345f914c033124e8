#include <gloss/data/dataset.hpp>

#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;

namespace {
const Tensor<float> x = from_vector<float>({0, 1, 2, 3, 4, 5}, {3, 2});
const Tensor<std::int64_t> y = from_vector<std::int64_t>({7, 8, 9});

struct Named {
  Index size() const { return 2; }
  int get(Index i) const { return static_cast<int>(i); }
  std::string name(Index i) const { return i == 0 ? "first" : "second"; }
};
static_assert(data::Dataset<Named> && data::Dataset<data::TensorDataset<float>> && !data::Dataset<int>);
static_assert(std::same_as<data::ItemOf<data::VectorDataset<std::string>>, std::string>);
}  // namespace

TEST_CASE("TensorDataset: rows that belong together, as views") {
  const data::TensorDataset both(x, y);
  REQUIRE(both.size() == 3);
  const auto [row, label] = both.get(1);
  CHECK(values(row) == std::vector<float>{2, 3});
  CHECK(label.dim() == 0);
  CHECK(label.item() == 8);
  CHECK(row.data() == x.data() + 2);
  CHECK(data::TensorDataset(x.slice(0, 0, 0)).size() == 0);
  CHECK_ERROR(both.get(3), IndexError, "TensorDataset: item 3 is out of range, there are 3");
  CHECK_ERROR(both.get(-1), IndexError, "TensorDataset: item -1 is out of range, there are 3");
  CHECK_ERROR(data::TensorDataset(x, y.slice(0, 0, 2)), ShapeError,
              "TensorDataset: tensors of shape [3, 2] and [2] have not as many rows");
  CHECK_ERROR(data::TensorDataset(scalar<float>(1)), ShapeError, "TensorDataset: a scalar has no rows");
}

TEST_CASE("VectorDataset and LazyDataset: in memory, and made when asked for") {
  const data::VectorDataset<std::string> words({"a", "b"});
  CHECK(words.size() == 2);
  CHECK(words.get(1) == "b");
  CHECK_ERROR(words.get(2), IndexError, "VectorDataset: item 2 is out of range, there are 2");
  int calls = 0;
  const data::LazyDataset squares(4, [&calls](Index i) { return ++calls, i * i; });
  CHECK(squares.size() == 4);
  CHECK(calls == 0);
  CHECK(squares.get(3) == 9);
  CHECK(calls == 1);
  CHECK_ERROR(squares.get(4), IndexError, "LazyDataset: item 4 is out of range, there are 4");
  CHECK_ERROR(data::LazyDataset(-1, [](Index i) { return i; }), Error, "LazyDataset: -1 items");
}

TEST_CASE("Map, LazyDataset: a function that takes a random stream is given the current one") {
  const data::LazyDataset noise(3, [](Index i, Rng& rng) { return i + rng.below(1000); });
  const data::Map more(noise, [](Index value, Rng& rng) { return std::pair(value, rng()); });
  const auto draw = [&](std::uint64_t seed) {
    Rng rng(seed);
    const RngGuard use(rng);
    return more.get(2);
  };
  CHECK(draw(1) == draw(1));
  CHECK(draw(1) != draw(2));
}

TEST_CASE("Subset, Concat, Map: items and their names come from what is below") {
  const data::Subset some(data::VectorDataset<int>({10, 11, 12}), {2, 0, 2});
  CHECK(some.size() == 3);
  CHECK(some.get(0) == 12);
  CHECK(some.get(1) == 10);
  CHECK(some.name(1).empty());
  CHECK_ERROR(some.get(3), IndexError, "Subset: item 3 is out of range, there are 3");
  CHECK_ERROR(data::Subset(Named(), {0, 2}), IndexError, "Subset: item 2 is out of range, there are 2");

  const data::Concat all(some, data::Map(Named(), [](int i) { return -i; }));
  CHECK(all.size() == 5);
  CHECK(all.get(2) == 12);
  CHECK(all.get(4) == -1);
  CHECK(all.name(4) == "second");
  CHECK(data::item_name(all, 0).empty());
  CHECK(data::item_name(data::Subset(Named(), {1}), 0) == "second");
  CHECK(data::Subset(Named(), {}).size() == 0);
}
