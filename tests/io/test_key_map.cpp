// Names and layouts of somebody else's file.
#include <gloss/io/key_map.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using io::KeyLayout;
using io::KeyMap;
using io::KeySource;
using Names = std::vector<std::string>;

namespace {

std::string text(const std::vector<KeySource>& sources) {
  std::string s;
  for (const KeySource& k : sources) {
    s += k.ours + " <-";
    for (const auto& name : k.theirs) s += " " + name;
    if (k.layout == KeyLayout::transposed) s += " transposed";
    if (k.parts > 1) s += " part " + std::to_string(k.part + 1) + "/" + std::to_string(k.parts);
    if (k.taken > 1) s += " and " + std::to_string(k.taken - 1) + " more";
    s += "\n";
  }
  return s;
}

const KeyMap gpt{.rules = {{{"transformer.h.*.attn.c_attn.**"},
                            {"blocks.*.q.**", "blocks.*.k.**", "blocks.*.v.**"},
                            KeyLayout::transposed},
                           {{"transformer.h.*.attn.bias"}, {}},
                           {{"transformer.h.*.**"}, {"blocks.*.**"}},
                           {{"transformer.wte.weight"}, {"tokens.weight"}}},
                 .optional_prefix = "transformer."};

}  // namespace

TEST_CASE("KeyMap: renames, transposes and cuts; the first rule that fits counts; others stay") {
  CHECK(text(gpt.sources({"transformer.h.11.attn.c_attn.weight", "transformer.h.0.attn.bias", "h.3.ln_1.weight",
                          "wte.weight", "lm_head.weight"})) ==
        "blocks.11.q.weight <- transformer.h.11.attn.c_attn.weight transposed part 1/3\n"
        "blocks.11.k.weight <- transformer.h.11.attn.c_attn.weight transposed part 2/3\n"
        "blocks.11.v.weight <- transformer.h.11.attn.c_attn.weight transposed part 3/3\n"
        "blocks.3.ln_1.weight <- h.3.ln_1.weight\n"
        "tokens.weight <- wte.weight\n"
        "lm_head.weight <- lm_head.weight\n");
}

TEST_CASE("KeyMap: several make one, in the rule's order and not the file's; one that is not there is named as well") {
  const KeyMap map{.rules = {{{"l.*.query.*", "l.*.key.*", "l.*.value.*"}, {"layers.*.in_proj_*"}}}};
  CHECK(text(map.sources({"l.0.value.weight", "l.0.query.weight", "l.1.key.bias", "l.0.key.weight", "l.1.query.bias",
                          "l.1.value.bias"})) ==
        "layers.0.in_proj_weight <- l.0.query.weight l.0.key.weight l.0.value.weight\n"
        "layers.1.in_proj_bias <- l.1.query.bias l.1.key.bias l.1.value.bias\n");
  CHECK(text(map.sources({"l.0.value.weight", "l.0.query.weight"})) ==
        "layers.0.in_proj_weight <- l.0.query.weight l.0.key.weight l.0.value.weight\n");
  KeyMap optional = map;
  optional.optional_prefix = "l.";
  CHECK(text(optional.sources({"0.value.weight"})) ==
        "layers.0.in_proj_weight <- 0.query.weight 0.key.weight 0.value.weight\n");
}

TEST_CASE("KeyMap: what is cut may be cut by shares, both ways round") {
  const KeyMap map{.rules = {{{"*.qkv"}, {"*.q", "*.k", "*.v"}, KeyLayout::same, {9, 3, 3}}}};
  CHECK(text(map.sources({"0.qkv"})) ==
        "0.q <- 0.qkv part 1/15 and 8 more\n"
        "0.k <- 0.qkv part 10/15 and 2 more\n"
        "0.v <- 0.qkv part 13/15 and 2 more\n");
  CHECK(text(map.targets({"0.q", "0.k", "0.v"})) == "0.qkv <- 0.q 0.k 0.v\n");
  const KeyMap joined{.rules = {{{"q", "k"}, {"qk"}, KeyLayout::same, {2, 1}}}};
  CHECK(text(joined.sources({"q", "k"})) == "qk <- q k\n");
  CHECK(text(joined.targets({"qk"})) == "q <- qk part 1/3 and 1 more\nk <- qk part 3/3\n");
  const std::string why = "KeyRule: 'a' is cut into 2 without a share above 0 for each";
  CHECK_ERROR(KeyMap({.rules = {{{"a"}, {"b", "c"}, KeyLayout::same, {1}}}}).sources({"a"}), Error, why);
  CHECK_ERROR(KeyMap({.rules = {{{"a"}, {"b", "c"}, KeyLayout::same, {1, 0}}}}).sources({"a"}), Error, why);
}

TEST_CASE("KeyMap: the other way round joins what was cut and cuts what was joined") {
  CHECK(text(gpt.targets(
            {"blocks.0.q.bias", "blocks.0.k.bias", "blocks.0.v.bias", "tokens.weight", "blocks.0.ln_1.weight"})) ==
        "transformer.h.0.attn.c_attn.bias <- blocks.0.q.bias blocks.0.k.bias blocks.0.v.bias transposed\n"
        "transformer.wte.weight <- tokens.weight\n"
        "transformer.h.0.ln_1.weight <- blocks.0.ln_1.weight\n");
}

TEST_CASE("KeyMap: a star stands for anything without a dot, two stars for anything, and neither for nothing") {
  const KeyMap map{.rules = {{{"a.**.z"}, {"deep.**"}}, {{"a.*"}, {"flat.*"}}, {{"b.**"}, {"**"}}}};
  CHECK(text(map.sources({"a.b.c.z", "a.z", "a.b", "a.b.c", "ab.c", "b.x.y", "b"})) ==
        "deep.b.c <- a.b.c.z\nflat.z <- a.z\nflat.b <- a.b\na.b.c <- a.b.c\nab.c <- ab.c\nx.y <- b.x.y\nb <- b\n");
  const KeyMap within{.rules = {{{"in_*_*", "out_*_*"}, {"*.h*"}}, {{"x.*y"}, {"z.*"}}}};
  CHECK(text(within.targets({"a.b.hc", "a.h", "a.hc", "z.b"})) ==
        "a.b.hc <- a.b.hc\na.h <- a.h\nin_a_c <- a.hc part 1/2\nout_a_c <- a.hc part 2/2\nx.by <- z.b\n");
  CHECK(KeyMap{}.sources(Names{}).empty());
  CHECK(text(KeyMap{}.sources({"x"})) == "x <- x\n");
  const KeyMap ambiguous{.rules = {{{"*_*"}, {"*.*"}}}};  // the first star takes as little as it can
  CHECK(text(ambiguous.sources({"a_b_c"})) == "a.b_c <- a_b_c\n");
}

TEST_CASE("KeyMap: rules that make no sense are refused") {
  const KeyMap stars{.rules = {{{"a.*"}, {"b.*.*"}}}};
  CHECK_ERROR(stars.sources({"a.x"}), Error, "KeyRule: 'b.*.*' has more stars than the other side of its rule");
  const KeyMap both{.rules = {{{"a", "b"}, {"c", "d"}}}};
  CHECK_ERROR(both.sources({"a", "b"}), Error, "KeyRule: 'a' and others are joined and cut at once");
}
