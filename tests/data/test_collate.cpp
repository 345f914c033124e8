// Batches of ids, and the files of sentence pairs by their readers.
#include <gloss/data/batch_sampler.hpp>
#include <gloss/data/collate.hpp>
#include <gloss/data/pairs/mo.hpp>
#include <gloss/data/pairs/po.hpp>
#include <gloss/tensor/tensor.hpp>
#include <gloss/text/bpe.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("pad_sequences: as long as the longest, filled up behind") {
  const std::vector<std::vector<Index>> sequences = {{1, 2, 3}, {}, {4}};
  const std::vector<Index> all = {2, 0, 1, 2}, some = {1, 2}, none, wrong = {0, 3}, negative = {-1};
  const auto ids = data::pad_sequences(sequences, all, 9);
  CHECK(ids.shape() == Shape{4, 3});
  CHECK(gloss_test::values(ids) == std::vector<std::int64_t>{4, 9, 9, 1, 2, 3, 9, 9, 9, 4, 9, 9});
  CHECK(gloss_test::values(data::pad_sequences(sequences, some, 0)) == std::vector<std::int64_t>{0, 4});
  CHECK(data::pad_sequences(sequences, none, 9).shape() == Shape{0, 0});
  CHECK_ERROR(data::pad_sequences(sequences, wrong, 9), IndexError,
              "pad_sequences: position 3 is out of range for 3 sequences");
  CHECK_ERROR(data::pad_sequences(sequences, negative, 9), IndexError,
              "pad_sequences: position -1 is out of range for 3 sequences");
}

TEST_CASE("BatchSampler: an epoch has as many batches as it gives out") {
  data::BatchSampler sampler({{1, 1}, {2, 2}, {3, 3}}, {.max_tokens = 3});
  CHECK(sampler.batches_in_epoch() == static_cast<Index>(sampler.epoch(0).size()));
  for (Index i = 0; i < sampler.batches_in_epoch(); ++i) sampler.next();
  CHECK(sampler.position() == data::BatchSampler::Position{0, sampler.batches_in_epoch()});
}

TEST_CASE("Bpe: says how the start of a text is read") {
  CHECK(text::Bpe(true).prefix_space());
  CHECK_FALSE(text::Bpe(false).prefix_space());
}

TEST_CASE("utf8: white space is what Python's split() takes for it") {
  for (const char32_t c : {U' ', U'\t', U'\n', U'\x1c', U'\x85', U'\xA0', U'\u1680', U'\u2009', U'\u3000'})
    CHECK(text::is_space(c));
  for (const char32_t c : {U'a', U'\0', U'\x1b', U'\u200b', U'\ufeff'}) CHECK_FALSE(text::is_space(c));
}

TEST_CASE("read_po, read_mo: read the file, and name it in errors") {
  const TempFolder folder;
  const std::string path = folder.write("a.po", "msgid \"Open\"\nmsgstr \"Auf\"\n");
  CHECK(data::read_po(path) == std::vector<data::SentencePair>{{"Open", "Auf"}});
  CHECK_THROWS_AS(data::read_po(folder.file("none.po")), LoadError);
  const std::string broken = folder.write("a.mo", "12");
  const auto text_of = [&](auto f) {
    try {
      f();
    } catch (const LoadError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(text_of([&] { data::read_mo(broken); }).find(broken) != std::string::npos);
}
