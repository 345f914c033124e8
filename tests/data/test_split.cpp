#include <support/catch.hpp>

#include <set>

#include <gloss/data/split.hpp>

using namespace gloss;
using Pairs = std::vector<data::SentencePair>;

namespace {

/// Pairs whose texts repeat, on either side.
Pairs repetitive(int n) {
  Pairs pairs;
  for (int i = 0; i < n; ++i) {
    std::string src = "source " + std::to_string(i * 7919 % (n / 2)),
                tgt = "target " + std::to_string(i * 104729 % (n * 3 / 4));
    for (int words = i % 12; words > 0; --words) src += " more";
    pairs.push_back({src, tgt});
  }
  return pairs;
}

}  // namespace

TEST_CASE("split_held_out: no text is shared between the parts") {
  const Pairs pairs = repetitive(3000);
  const data::Split split = data::split_held_out(pairs, {.held_out = 200});
  CHECK(split.held_out.size() == 200);
  CHECK(split.train.size() + split.held_out.size() + static_cast<std::size_t>(split.dropped) == pairs.size());
  CHECK(split.dropped > 0);
  std::set<std::string> sources, targets;
  for (const auto& pair : split.held_out) {
    CHECK(data::count_words(pair.src) <= 8);
    CHECK(sources.insert(pair.src).second);
    CHECK(targets.insert(pair.tgt).second);
  }
  for (const auto& pair : split.train) {
    CHECK(sources.count(pair.src) == 0);
    CHECK(targets.count(pair.tgt) == 0);
  }
}

TEST_CASE("split_held_out: the seed decides, nothing else") {
  const Pairs pairs = repetitive(500);
  const auto draw = [&](std::uint64_t seed) {
    return data::split_held_out(pairs, {.held_out = 20, .seed = seed}).held_out;
  };
  CHECK(draw(1) == draw(1));
  CHECK(draw(1) != draw(2));
  const data::Split small = data::split_held_out(pairs, {.held_out = 5});
  const data::Split large = data::split_held_out(pairs, {.held_out = 20});
  CHECK(std::equal(small.held_out.begin(), small.held_out.end(), large.held_out.begin()));
  // Pinned: the split is part of every reported score.
  CHECK(large.held_out[0].src == "source 64 more more");
}

TEST_CASE("split_held_out: a small set keeps its training part") {
  const data::Split split = data::split_held_out(repetitive(100), {.held_out = 500});
  CHECK(split.held_out.size() == 10);
  CHECK(split.train.size() > 50);
}

TEST_CASE("split_held_out: an empty part is an error") {
  CHECK_THROWS_WITH(
      data::split_held_out({}),
      "split_held_out: 0 pairs, 0 of them with a source of at most 8 words, leave the held-out part empty");
  CHECK_THROWS_WITH(
      data::split_held_out(repetitive(5)),
      "split_held_out: 5 pairs, 5 of them with a source of at most 8 words, leave the held-out part empty");
  CHECK_THROWS_WITH(
      data::split_held_out({{"a", "b"}, {"a", "b"}}, {.max_fraction = 1}),
      "split_held_out: 2 pairs, 2 of them with a source of at most 8 words, leave the training part empty");
}
