#include <gloss/data/samplers.hpp>

#include <algorithm>
#include <set>

#include "support/tensors.hpp"

using namespace gloss;

namespace {
using Order = std::vector<Index>;
Order sorted(Order order) {
  std::sort(order.begin(), order.end());
  return order;
}
static_assert(data::Sampler<data::RandomSampler> && !data::SamplesBatches<data::RandomSampler>);
static_assert(data::Sampler<data::BatchSampler> && data::SamplesBatches<data::GroupSampler>);
}  // namespace

TEST_CASE("SequentialSampler, RandomSampler: all items once, shuffled anew in each epoch") {
  CHECK(data::SequentialSampler(3).epoch(7) == Order{0, 1, 2});
  CHECK(data::SequentialSampler(0).epoch(0).empty());
  const data::RandomSampler random(50, {.seed = 4});
  CHECK(sorted(random.epoch(2)) == data::SequentialSampler(50).epoch(0));
  CHECK(random.epoch(2) == data::RandomSampler(50, {.seed = 4}).epoch(2));
  CHECK(random.epoch(2) != random.epoch(3));
  CHECK(random.epoch(2) != data::RandomSampler(50).epoch(2));
  CHECK(data::RandomSampler(6).epoch(0) == Order{4, 1, 5, 0, 2, 3});  // pinned: a saved state must fit
  CHECK(data::RandomSampler(50, {.seed = 4, .count = 7}).epoch(1).size() == 7);
  CHECK(data::RandomSampler(0).epoch(0).empty());
  Rng rng(3);
  const RngGuard use(rng);
  static_cast<void>(random.epoch(0));
  CHECK(rng.position() == 0);
}

TEST_CASE("RandomSampler: with replacement every item is as likely, in every draw") {
  const Order drawn = data::RandomSampler(4, {.replacement = true, .count = 40000}).epoch(0);
  for (Index i = 0; i < 4; ++i) CHECK(std::abs(std::count(drawn.begin(), drawn.end(), i) - 10000) < 400);
  CHECK(data::RandomSampler(4, {.replacement = true}).epoch(0).size() == 4);
  CHECK_ERROR(data::RandomSampler(4, {.count = 5}), Error, "RandomSampler: 5 items cannot be drawn from 4");
  CHECK_ERROR(data::RandomSampler(0, {.replacement = true, .count = 5}), Error,
              "RandomSampler: 5 items cannot be drawn from 0");
  CHECK_ERROR(data::RandomSampler(-1), Error, "RandomSampler: -1 items cannot be drawn from -1");
}

TEST_CASE("WeightedSampler: items come as often as their weights say") {
  const Order drawn = data::WeightedSampler({1, 0, 3}, 40000).epoch(5);
  CHECK(std::count(drawn.begin(), drawn.end(), 1) == 0);
  CHECK(std::abs(std::count(drawn.begin(), drawn.end(), 0) - 10000) < 400);
  CHECK_ERROR(data::WeightedSampler({1, -1}, 3), Error, "multinomial: weight -1 of row 0 is negative or not finite");
  CHECK_ERROR(data::WeightedSampler({0}, 3), Error, "multinomial: 1 weights above 0 are needed, row 0 has 0");
}

TEST_CASE("balanced_weights: all classes together weigh the same") {
  const auto labels = from_vector<std::int64_t>({5, 2, 5, 5, 2, 9});
  CHECK(data::balanced_weights(labels) == std::vector<double>{1.0 / 3, 0.5, 1.0 / 3, 1.0 / 3, 0.5, 1});
  CHECK(data::balanced_weights(zeros<std::int64_t>({0})).empty());
}

TEST_CASE("LengthSampler: batches of like length") {
  const data::LengthSampler sampler({5, 1, 5, 1, 1}, {.max_tokens = 10, .shuffle = false});
  CHECK(sampler.epoch(0) == std::vector<Order>{{1, 3, 4}, {0, 2}});
  CHECK_ERROR(data::LengthSampler({11}, {.max_tokens = 10}), Error,
              "BatchSampler: pair 0 has 11 tokens, max_tokens is 10");
}

TEST_CASE("GroupSampler: every batch is of one group, every item in one batch") {
  Order groups;
  for (Index i = 0; i < 100; ++i) groups.push_back(i % 7 == 0 ? 2 : i % 3);
  const data::GroupSampler sampler(groups, {.batch_size = 4, .seed = 2});
  Order seen;
  for (const Order& batch : sampler.epoch(1)) {
    CHECK(batch.size() <= 4);
    std::set<Index> kinds;
    for (const Index i : batch) {
      kinds.insert(groups[static_cast<std::size_t>(i)]);
      seen.push_back(i);
    }
    CHECK(kinds.size() == 1);
  }
  CHECK(sorted(seen) == data::SequentialSampler(100).epoch(0));
  CHECK(sampler.epoch(1) == sampler.epoch(1));
  CHECK(sampler.epoch(1) != sampler.epoch(2));
  CHECK(data::GroupSampler({1, 0, 1, 0, 1}, {.batch_size = 2, .shuffle = false}).epoch(0) ==
        std::vector<Order>{{1, 3}, {0, 2}, {4}});
  CHECK(data::GroupSampler({1, 0, 1, 0, 1}, {.batch_size = 2, .shuffle = false, .drop_last = true}).epoch(0) ==
        std::vector<Order>{{1, 3}, {0, 2}});
  CHECK(data::GroupSampler({}).epoch(0).empty());
  CHECK_ERROR(data::GroupSampler({1}, {.batch_size = 0}), Error, "GroupSampler: batch_size 0 is below 1");
}
