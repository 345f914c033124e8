#include <gloss/data/token_blocks.hpp>

#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;
using Ids = std::vector<std::int64_t>;

TEST_CASE("TokenBlocks: inputs and the tokens behind them") {
  const Tensor<std::int64_t> stream = arange<std::int64_t>(11);
  const data::TokenBlocks blocks(stream, {.context = 4});
  CHECK(blocks.size() == 2);
  const auto [x, y] = blocks.get(1);
  CHECK(values(x) == Ids{4, 5, 6, 7});
  CHECK(values(y) == Ids{5, 6, 7, 8});
  CHECK(x.data() == stream.data() + 4);
  CHECK(data::TokenBlocks(arange<std::int64_t>(9), {.context = 4}).size() == 2);
  CHECK(data::TokenBlocks(arange<std::int64_t>(8), {.context = 4}).size() == 1);
  CHECK(data::TokenBlocks(arange<std::int64_t>(5), {.context = 4}).size() == 1);
  const data::TokenBlocks dense(stream, {.context = 4, .stride = 1});
  CHECK(dense.size() == 7);
  CHECK(values(dense.get(6).second) == Ids{7, 8, 9, 10});
  CHECK_ERROR(dense.get(7), IndexError, "TokenBlocks: item 7 is out of range, there are 7");
}

TEST_CASE("TokenBlocks: what has no block is refused") {
  const auto with = [](Index tokens, data::TokenBlocksOptions options) {
    return data::TokenBlocks(arange<std::int64_t>(tokens), options);
  };
  CHECK_ERROR(with(4, {.context = 4}), Error, "TokenBlocks: 4 tokens have no block of 4 and the one behind it");
  CHECK_ERROR(with(4, {.context = 0}), Error, "TokenBlocks: context 0 and stride 0 must be above 0");
  CHECK_ERROR(with(4, {.context = 2, .stride = -1}), Error, "TokenBlocks: context 2 and stride -1 must be above 0");
  CHECK_ERROR(data::TokenBlocks(zeros<std::int64_t>({2, 9}), {}), ShapeError,
              "TokenBlocks: tokens of shape [2, 9], [tokens] is wanted");
}

TEST_CASE("read_tokens: files one behind the other") {
  const TempFolder folder;
  const auto bytes = [](std::string_view text) { return std::vector<int>(text.begin(), text.end()); };
  CHECK(values(data::read_tokens({folder.write("a", "ab"), folder.write("b", ""), folder.write("c", "c")}, bytes)) ==
        Ids{97, 98, 99});
  CHECK(data::read_tokens({}, bytes).shape() == Shape{0});
  CHECK_ERROR(data::read_tokens({folder.file("d")}, bytes), LoadError,
              "read_file: " + folder.file("d") + ": No such file or directory");
}
