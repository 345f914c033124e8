#include <gloss/data/hold_out.hpp>

#include <algorithm>
#include <set>

#include "support/tensors.hpp"

using namespace gloss;

namespace {
std::vector<Index> joined(const data::HeldOut& parts) {
  CHECK(std::is_sorted(parts.train.begin(), parts.train.end()));
  CHECK(std::is_sorted(parts.held_out.begin(), parts.held_out.end()));
  std::vector<Index> all = parts.train;
  all.insert(all.end(), parts.held_out.begin(), parts.held_out.end());
  std::sort(all.begin(), all.end());
  return all;
}
const std::vector<Index> hundred = data::SequentialSampler(100).epoch(0);
}  // namespace

TEST_CASE("hold_out: a share at random, every item in one part") {
  const data::HeldOut parts = data::hold_out(100, {.fraction = 0.25, .seed = 3});
  CHECK(parts.held_out.size() == 25);
  CHECK(joined(parts) == hundred);
  CHECK(data::hold_out(100, {.fraction = 0.25, .seed = 3}).held_out == parts.held_out);
  CHECK(data::hold_out(100, {.fraction = 0.25, .seed = 4}).held_out != parts.held_out);
  CHECK(data::hold_out(10).held_out == std::vector<Index>{4});  // pinned: a run that goes on must find the same
  CHECK(data::hold_out(100, {.fraction = 0}).held_out.empty());
  CHECK(data::hold_out(100, {.fraction = 1}).train.empty());
  CHECK(data::hold_out(0).train.empty());
  CHECK_ERROR(data::hold_out(-1), Error, "hold_out: -1 items");
  CHECK_ERROR(data::hold_out(1, {.fraction = 1.5}), Error, "hold_out: fraction 1.5 is not in [0, 1]");
}

TEST_CASE("hold_out_stratified: the same share of each class") {
  Tensor<std::int64_t> labels = zeros<std::int64_t>({100});
  for (Index i = 0; i < 100; ++i) labels.data()[i] = i % 5 == 0 ? 9 : 4;
  const data::HeldOut parts = data::hold_out_stratified(labels, {.fraction = 0.2});
  CHECK(joined(parts) == hundred);
  CHECK(std::count_if(parts.held_out.begin(), parts.held_out.end(), [](Index i) { return i % 5 == 0; }) == 4);
  CHECK(parts.held_out.size() == 20);
  CHECK_ERROR(data::hold_out_stratified(labels, {.fraction = -1}), Error,
              "hold_out_stratified: fraction -1 is not in [0, 1]");
}

TEST_CASE("hold_out_groups: a group is in one part") {
  std::vector<Index> groups;
  for (Index i = 0; i < 100; ++i) groups.push_back(i % 10);
  const data::HeldOut parts = data::hold_out_groups(groups, {.fraction = 0.3});
  CHECK(joined(parts) == hundred);
  CHECK(parts.held_out.size() == 30);
  std::set<Index> aside, rest;
  for (const Index i : parts.held_out) aside.insert(i % 10);
  for (const Index i : parts.train) rest.insert(i % 10);
  CHECK(aside.size() == 3);
  CHECK(rest.size() == 7);
  CHECK_ERROR(data::hold_out_groups(groups, {.fraction = 2}), Error, "hold_out_groups: fraction 2 is not in [0, 1]");
}
