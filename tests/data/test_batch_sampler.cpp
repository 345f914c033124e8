#include <support/catch.hpp>

#include <algorithm>
#include <set>

#include <gloss/data/batch_sampler.hpp>

using namespace gloss;
using data::BatchSampler;

namespace {
std::vector<data::PairLength> lengths(int n) {
  Rng rng(8);
  std::vector<data::PairLength> result;
  for (int i = 0; i < n; ++i) {
    const Index src = 2 + rng.below(30);
    result.push_back({src, src + rng.below(5)});
  }
  return result;
}
}  // namespace

TEST_CASE("BatchSampler: every pair once an epoch, no batch above its tokens, little padding") {
  const auto sizes = lengths(2000);
  const BatchSampler sampler(sizes, {.max_tokens = 512});
  for (const Index epoch : {0, 1, 7}) {
    std::vector<int> seen(sizes.size(), 0);
    Index padded = 0, used = 0;
    for (const auto& batch : sampler.epoch(epoch)) {
      REQUIRE_FALSE(batch.empty());
      Index longest = 0;
      for (const Index i : batch) {
        const auto& size = sizes[static_cast<std::size_t>(i)];
        ++seen[static_cast<std::size_t>(i)];
        longest = (std::max)({longest, size.src, size.tgt});
        used += size.tgt;
      }
      CHECK(longest * static_cast<Index>(batch.size()) <= 512);
      padded += longest * static_cast<Index>(batch.size());
    }
    CHECK(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
    CHECK(static_cast<double>(used) > 0.9 * static_cast<double>(padded));
  }
}

TEST_CASE("BatchSampler: seed and epoch decide, nothing else") {
  const BatchSampler a(lengths(300), {.max_tokens = 256, .seed = 1}), b(lengths(300), {.max_tokens = 256, .seed = 1}),
      c(lengths(300), {.max_tokens = 256, .seed = 2});
  CHECK(a.epoch(3) == b.epoch(3));
  CHECK(a.epoch(3) != a.epoch(4));
  CHECK(a.epoch(3) != c.epoch(3));
  CHECK(a.epoch(0)[0] == std::vector<Index>{133, 198, 164, 51,  213, 254, 217, 134, 195, 207, 160, 71,
                                            99,  72,  220, 123, 258, 37,  294, 152, 44,  86,  124});  // pinned
}

TEST_CASE("BatchSampler: goes on from a saved position as if it had never stopped") {
  BatchSampler whole(lengths(200), {.max_tokens = 128});
  std::vector<std::vector<Index>> expected;
  for (int i = 0; i < 150; ++i) expected.push_back(whole.next());
  CHECK(whole.position().epoch > 1);
  for (const std::size_t stop : {0u, 1u, 40u, 53u, 54u, 55u, 100u}) {
    BatchSampler first(lengths(200), {.max_tokens = 128}), second(lengths(200), {.max_tokens = 128});
    for (std::size_t i = 0; i < stop; ++i) first.next();
    second.seek(first.position());
    for (std::size_t i = stop; i < expected.size(); ++i)
      if (second.next() != expected[i]) FAIL(i);
    CHECK(second.position() == whole.position());
  }
}

TEST_CASE("BatchSampler: a limit on pairs, and batches in order of length without shuffling") {
  const auto sizes = lengths(100);
  const BatchSampler sampler(sizes, {.max_tokens = 4096, .max_pairs = 7, .shuffle = false});
  const auto batches = sampler.epoch(0);
  CHECK(batches == sampler.epoch(5));
  CHECK(batches.size() == 15);
  Index last = 0;
  for (const auto& batch : batches)
    for (const Index i : batch) {
      CHECK(sizes[static_cast<std::size_t>(i)].tgt >= last);
      last = sizes[static_cast<std::size_t>(i)].tgt;
    }
}

TEST_CASE("BatchSampler: a pool mixes lengths") {
  const auto sizes = lengths(2000);
  const auto lengths_in_batches = [&](Index pool) {
    const BatchSampler sampler(sizes, {.max_tokens = 512, .pool = pool});
    std::vector<int> seen(sizes.size(), 0);
    std::size_t lengths_met = 0;
    for (const auto& batch : sampler.epoch(1)) {
      std::set<Index> met;
      for (const Index i : batch) {
        const auto& size = sizes[static_cast<std::size_t>(i)];
        ++seen[static_cast<std::size_t>(i)];
        met.insert((std::max)(size.src, size.tgt));
      }
      CHECK(*met.rbegin() * static_cast<Index>(batch.size()) <= 512);
      lengths_met += met.size();
    }
    CHECK(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
    return lengths_met;
  };
  CHECK(lengths_in_batches(1) > 3 * lengths_in_batches(0));
  CHECK(lengths_in_batches(1) > lengths_in_batches(100));
  CHECK(lengths_in_batches(100) > lengths_in_batches(500));
  const BatchSampler all(sizes, {.max_tokens = 512}), one(sizes, {.max_tokens = 512, .pool = 2000});
  CHECK(all.epoch(3) == one.epoch(3));
}

TEST_CASE("BatchSampler: errors") {
  CHECK_THROWS_WITH(BatchSampler({{3, 4}}, {.pool = -1}), "BatchSampler: pool -1 is negative");
  CHECK_THROWS_WITH(BatchSampler({}), "BatchSampler: no sentence pairs");
  CHECK_THROWS_WITH(BatchSampler({{3, 4}, {5, 90}}, {.max_tokens = 64}),
                    "BatchSampler: pair 1 has 90 tokens, max_tokens is 64");
  BatchSampler sampler({{3, 4}, {5, 9}}, {.max_tokens = 64});
  CHECK_THROWS_WITH(sampler.seek({-1, 0}), "BatchSampler::seek: epoch -1 is negative");
  CHECK_THROWS_WITH(sampler.seek({2, 2}), "BatchSampler::seek: batch 2 is out of range, epoch 2 has 1");
  CHECK_THROWS_AS(sampler.seek({0, -1}), IndexError);
}
