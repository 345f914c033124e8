#include <support/catch.hpp>

#include <gloss/text/bpe.hpp>
#include <gloss/text/stream_decoder.hpp>

using namespace gloss;

TEST_CASE("StreamDecoder: what it gives joined is the text, and no character comes in parts") {
  const text::Bpe bpe = text::Bpe::train({"the theme of the thesis"}, {.vocab_size = 270, .min_frequency = 2});
  for (const std::string text : {"the theme", "", "\u20AC\U0001F600 caf\u00E9 the", "x"}) {
    text::StreamDecoder stream(bpe);
    std::string joined;
    for (const Index id : bpe.encode(text)) joined += stream.push(id);
    joined += stream.rest();
    CHECK(joined == text);
    CHECK(stream.rest().empty());
  }
}
