// Modules to and from safetensors files.
#include <gloss/io/key_map.hpp>
#include <gloss/io/module_file.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/multihead_attention.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;

namespace {

template <Real T>
struct Counted final : nn::Module<T> {
  nn::Linear<T> layer{2, 3};
  nn::Buffer<std::int64_t> count{full<std::int64_t>({}, 0)};
  nn::Buffer<bool> mask{Tensor<bool>{true, false}};
  nn::Buffer<T> scratch{zeros<T>({2}), {.persistent = false}};
  void visit(nn::Visitor<T>& v) override {
    v("layer", layer);
    v("count", count);
    v("mask", mask);
    v("scratch", scratch);
  }
};

/// Blocks with a matrix for each of q, k and v, where GPT-2's files have one, [in, out].
template <Real T>
struct Gpt final : nn::Module<T> {
  struct Block final : nn::Module<T> {
    nn::LayerNorm<T> norm{4};
    nn::Linear<T> q{4, 4}, k{4, 4}, v{4, 4}, out{4, 4};
    void visit(nn::Visitor<T>& visitor) override {
      visitor("norm", norm), visitor("q", q), visitor("k", k), visitor("v", v), visitor("out", out);
    }
  };
  nn::Embedding<T> tokens{5, 4};
  std::vector<Block> blocks = std::vector<Block>(2);
  nn::Linear<T> head{4, 5, {.bias = false}};
  Gpt() { head.weight.tie(tokens.weight); }
  void visit(nn::Visitor<T>& v) override { v("tokens", tokens), v("blocks", blocks), v("head", head); }
};
const io::KeyMap gpt_keys{
    .rules = {{{"transformer.h.*.attn.c_attn.**"},
               {"blocks.*.q.**", "blocks.*.k.**", "blocks.*.v.**"},
               io::KeyLayout::transposed},
              {{"transformer.h.*.attn.c_proj.**"}, {"blocks.*.out.**"}, io::KeyLayout::transposed},
              {{"transformer.h.*.attn.bias"}, {}},
              {{"transformer.h.*.ln_1.**"}, {"blocks.*.norm.**"}},
              {{"transformer.wte.weight"}, {"tokens.weight"}},
              {{"lm_head.weight"}, {"head.weight"}}},
    .optional_prefix = "transformer."};

/// A file for Gpt; names begin with `prefix`.
std::vector<io::NamedTensor> gpt_file(const std::string& prefix) {
  std::vector<io::NamedTensor> file{{prefix + "wte.weight", arange<float>(20).reshape({5, 4})}};
  for (const std::string h : {"h.0.", "h.1."})
    for (const auto& [name, shape] : std::vector<std::pair<std::string, Shape>>{{"ln_1.weight", {4}},
                                                                                {"ln_1.bias", {4}},
                                                                                {"attn.bias", {1, 1, 8, 8}},
                                                                                {"attn.c_attn.weight", {4, 12}},
                                                                                {"attn.c_attn.bias", {12}},
                                                                                {"attn.c_proj.weight", {4, 4}},
                                                                                {"attn.c_proj.bias", {4}}})
      file.push_back({prefix + h + name, (100 + arange<float>(shape.numel())).reshape(shape)});
  return file;
}
std::vector<io::NamedTensor> without(const std::string& name, std::vector<io::NamedTensor> file) {
  std::erase_if(file, [&](const io::NamedTensor& t) { return t.stored().name == name; });
  return file;
}
io::TensorFile as_file(const std::vector<io::NamedTensor>& tensors) {
  return io::from_safetensors(io::to_safetensors(tensors), "f");
}

/// One matrix for q, k and v, where BERT's files have three.
template <Real T>
struct Bert final : nn::Module<T> {
  nn::MultiheadAttention<T> self_attn{4, 2};
  nn::LayerNorm<T> norm{4};
  void visit(nn::Visitor<T>& v) override { v("self_attn", self_attn), v("norm", norm); }
};
const io::KeyMap bert_keys{
    .rules = {{{"bert.self.query.*", "bert.self.key.*", "bert.self.value.*"}, {"self_attn.in_proj_*"}},
              {{"bert.dense.**"}, {"self_attn.out_proj.**"}},
              {{"bert.LayerNorm.gamma"}, {"norm.weight"}},
              {{"bert.LayerNorm.beta"}, {"norm.bias"}},
              {{"cls.**"}, {}}},
    .optional_prefix = "bert."};
std::vector<io::NamedTensor> bert_file(const std::string& prefix, Index key_rows = 4, Index key_width = 4) {
  return {{prefix + "self.value.weight", full<float>({4, 4}, 3)},
          {prefix + "self.value.bias", full<float>({4}, 3)},
          {prefix + "self.query.weight", full<float>({4, 4}, 1)},
          {prefix + "self.query.bias", full<float>({4}, 1)},
          {prefix + "self.key.weight", full<float>({key_rows, key_width}, 2)},
          {prefix + "self.key.bias", full<double>({4}, 2)},
          {prefix + "dense.weight", arange<float>(16).reshape({4, 4})},
          {prefix + "dense.bias", zeros<float>({4})},
          {prefix + "LayerNorm.gamma", full<float>({4}, 5)},
          {prefix + "LayerNorm.beta", full<float>({4}, 6)},
          {"cls.predictions.bias", zeros<float>({9})}};
}

}  // namespace

TEST_CASE("io: a module is saved and loaded in one line each, with int64 and bool, as double where it was float") {
  const TempFolder folder;
  const std::string path = folder.file("model.safetensors");
  Counted<float> model;
  model.count.fill_(41);
  model.mask.fill_(true);
  io::save(model, path, {{"epoch", "3"}});
  CHECK(io::load_safetensors(path).metadata().at("epoch") == "3");
  CHECK(io::load_safetensors(path).tensors().size() == 4);
  CHECK(io::load_safetensors(path).entry("count").dtype == io::Dtype::I64);

  Counted<float> again;
  CHECK(io::load(again, path).complete());
  CHECK(same_bits(again.layer.weight.detach(), model.layer.weight.detach()));
  CHECK(again.count.item() == 41);
  CHECK(again.mask.at({1}));
  Counted<double> exact;
  CHECK(io::load(exact, path).complete());
  CHECK(exact.layer.weight.at({2, 1}) == static_cast<double>(model.layer.weight.at({2, 1})));
}

TEST_CASE("io: what does not fit is said with the file's name, all of it, and nothing changes") {
  const TempFolder folder;
  const std::string path = folder.file("model.safetensors");
  Counted<float> model;
  const Counted<float> before = model;
  io::save_safetensors(path, {{"layer.weight", ones<float>({2, 3})},
                              {"layer.beta", ones<float>({3})},
                              {"count", zeros<float>({})},
                              {"mask", Tensor<bool>{true, true}}});
  CHECK_ERROR(io::load(model, path), LoadError,
              "load_state_dict: " + path +
                  ": 4 problems, nothing was loaded\n"
                  "  layer.bias is missing; the nearest unexpected name is layer.beta\n"
                  "  layer.beta is unexpected; the nearest missing name is layer.bias\n"
                  "  layer.weight has shape [2, 3], the model's has [3, 2]\n"
                  "  count holds F32, which does not read as int64");
  CHECK(same_bits(model.layer.weight.detach(), before.layer.weight.detach()));
  CHECK(model.mask.at({1}) == false);
  CHECK_ERROR(io::load(model, path, {.strict = false, .skip_wrong_shapes = true}), LoadError,
              "load_state_dict: " + path + ": count holds F32, which does not read as int64");
}

TEST_CASE("io: without strict what is there is loaded, under a prefix, and the rest is reported") {
  const TempFolder folder;
  const std::string path = folder.file("model.safetensors");
  Counted<double> model;
  io::save_safetensors(path, {{"model.layer.bias", Tensor<float>{1, 2, 3}}, {"other", ones<float>({9})}});
  const nn::LoadReport report = io::load(model, path, {.prefix = "model.", .strict = false});
  CHECK(report.missing == std::vector<std::string>{"model.layer.weight", "model.count", "model.mask"});
  CHECK(report.unexpected.empty());
  CHECK(model.layer.bias.at({2}) == 3);
}

TEST_CASE("io: somebody else's file is cut, turned and renamed by key rules; of tied tensors one is enough") {
  for (const std::string prefix : {"transformer.", ""}) {
    Gpt<double> model;
    CHECK(io::load_state_dict(model, as_file(gpt_file(prefix)), {.keys = gpt_keys}).complete());
    CHECK(model.tokens.weight.at({1, 2}) == 6);
    CHECK(model.head.weight.at({1, 2}) == 6);
    CHECK(model.blocks[1].norm.bias.at({3}) == 103);
    // ours[o][i] = theirs[i][o], theirs of 12 columns: q, k, v
    for (const auto& [linear, column] :
         {std::pair{&model.blocks[1].q, 0}, {&model.blocks[1].k, 4}, {&model.blocks[1].v, 8}})
      for (Index o = 0; o < 4; ++o) {
        CHECK(linear->bias.at({o}) == static_cast<double>(100 + column + o));
        for (Index i = 0; i < 4; ++i)
          CHECK(linear->weight.at({o, i}) == static_cast<double>(100 + 12 * i + column + o));
      }
    CHECK(model.blocks[0].out.weight.at({1, 3}) == 100 + 4 * 3 + 1);
  }
}

TEST_CASE("io: saving by key rules is the inverse of loading") {
  const TempFolder folder;
  const auto made = gpt_file("transformer.");
  Gpt<float> model, again;
  io::load_state_dict(model, as_file(made), {.keys = gpt_keys});
  const std::string path = folder.file("gpt.safetensors");
  io::save(model, path, {{"format", "pt"}}, gpt_keys);
  const io::TensorFile saved = io::load_safetensors(path), theirs = as_file(made);
  CHECK(saved.metadata().at("format") == "pt");
  CHECK(saved.tensors().size() == made.size() - 2 + 1);  // no attn.bias, and the tied head
  for (const io::StoredTensor& t : theirs.tensors()) {
    INFO(t.name);
    if (t.name.ends_with(".attn.bias")) continue;
    CHECK(same_bits(saved.tensor<float>(t.name), theirs.tensor<float>(t.name)));
  }
  CHECK(io::load(again, path, {.keys = gpt_keys}).complete());
  CHECK(same_bits(again.blocks[1].k.weight.detach(), model.blocks[1].k.weight.detach()));

  Bert<float> bert;
  io::load_state_dict(bert, as_file(bert_file("bert.")), {.keys = bert_keys});
  const io::TensorFile back = as_file(io::named_tensors(bert, "student.", bert_keys));
  CHECK(back.tensors().size() == 10);
  CHECK(back.entry("student.bert.self.key.weight").shape == Shape{4, 4});
  CHECK(back.tensor<float>("student.bert.self.value.bias").at({0}) == 3);
  CHECK(back.tensor<float>("student.bert.LayerNorm.gamma").at({0}) == 5);
  Bert<float> student;
  CHECK(io::load_state_dict(student, back, {.keys = bert_keys, .prefix = "student."}).complete());
  CHECK(same_bits(student.self_attn.in_proj_weight.detach(), bert.self_attn.in_proj_weight.detach()));
}

TEST_CASE("io: tensors are joined by key rules, under the prefix or without it, of several types") {
  for (const std::string prefix : {"bert.", ""}) {
    Bert<float> model;
    CHECK(io::load_state_dict(model, as_file(bert_file(prefix)), {.keys = bert_keys}).complete());
    for (Index row = 0; row < 12; ++row) {
      CHECK(model.self_attn.in_proj_weight.at({row, 3}) == static_cast<float>(1 + row / 4));
      CHECK(model.self_attn.in_proj_bias.at({row}) == static_cast<float>(1 + row / 4));
    }
    CHECK(model.self_attn.out_proj.weight.at({1, 0}) == 4);
    CHECK(model.norm.weight.at({0}) == 5);
    CHECK(model.norm.bias.at({0}) == 6);
  }
}

TEST_CASE("io: what does not fit somebody else's file is said with both names, in the file's terms") {
  Gpt<float> gpt;
  const auto refuse_gpt = [&](const std::vector<io::NamedTensor>& file, const std::string& text) {
    CHECK_ERROR(io::load_state_dict(gpt, as_file(file), {.keys = gpt_keys}), LoadError, "load_state_dict: f: " + text);
  };
  refuse_gpt(without("transformer.h.1.ln_1.bias", gpt_file("transformer.")),
             "blocks.1.norm.bias (theirs: transformer.h.1.ln_1.bias) is missing");
  refuse_gpt(without("h.1.ln_1.bias", gpt_file("")), "blocks.1.norm.bias (theirs: h.1.ln_1.bias) is missing");
  auto file = without("h.0.attn.c_attn.weight", gpt_file(""));
  refuse_gpt(file,
             "blocks.0.q.weight, blocks.0.k.weight, blocks.0.v.weight (theirs: h.0.attn.c_attn.weight) is missing");
  file.push_back({"h.0.attn.c_attn.weight", zeros<float>({4, 15})});
  refuse_gpt(file,
             "blocks.0.q.weight, blocks.0.k.weight, blocks.0.v.weight (theirs: h.0.attn.c_attn.weight) has shape "
             "[4, 15], the model's has [4, 12]");
  file.back() = {"h.0.attn.c_attn.weight", zeros<float>({4, 13})};  // which nobody can cut into three
  file.push_back({"h.1.ln_1.gamma", zeros<float>({4})});
  file.push_back({"h.2.ln_1.bias", zeros<float>({4})});
  file = without("h.1.ln_1.weight", without("wte.weight", std::move(file)));
  file.push_back({"wte.weight", zeros<std::int64_t>({5, 4})});
  refuse_gpt(
      file,
      "5 problems, nothing was loaded\n"
      "  blocks.1.norm.weight (theirs: h.1.ln_1.weight) is missing; the nearest unexpected name is h.1.ln_1.gamma\n"
      "  blocks.1.norm.gamma (theirs: h.1.ln_1.gamma) is unexpected; the nearest missing name is h.1.ln_1.weight\n"
      "  blocks.2.norm.bias (theirs: h.2.ln_1.bias) is unexpected; the nearest missing name is h.1.ln_1.weight\n"
      "  blocks.0.q.weight, blocks.0.k.weight, blocks.0.v.weight (theirs: h.0.attn.c_attn.weight) has shape "
      "[4, 13], the model's has [4, 12]\n"
      "  tokens.weight (theirs: wte.weight) holds I64, which does not read as float32");

  Bert<float> bert;
  const Bert<float> before = bert;
  const auto refuse_bert = [&](const std::vector<io::NamedTensor>& theirs, const std::string& text) {
    CHECK_ERROR(io::load_state_dict(bert, as_file(theirs), {.keys = bert_keys}), LoadError,
                "load_state_dict: f: " + text);
    CHECK(same_bits(bert.norm.weight.detach(), before.norm.weight.detach()));
  };
  refuse_bert(without("self.key.bias", bert_file("")), "self_attn.in_proj_bias (theirs: self.key.bias) is missing");
  refuse_bert(bert_file("bert.", 4, 3),
              "self_attn.in_proj_weight (theirs: bert.self.key.weight) has shape [4, 3], the model's has [4, 4]");
  refuse_bert(bert_file("bert.", 5),
              "self_attn.in_proj_weight (theirs: bert.self.query.weight + bert.self.key.weight + "
              "bert.self.value.weight) has shape [13, 4], the model's has [12, 4]");
}

TEST_CASE("io: what key rules leave over is reported by the file's names where the options let it pass") {
  Bert<float> model;
  auto file = without("self.key.bias", bert_file(""));
  file.push_back({"pooler.weight", zeros<float>({4})});
  const nn::LoadReport report = io::load_state_dict(model, as_file(file), {.keys = bert_keys, .strict = false});
  CHECK(report.missing == std::vector<std::string>{"self.key.bias"});
  CHECK(report.unexpected == std::vector<std::string>{"pooler.weight"});
  CHECK(model.self_attn.in_proj_weight.at({11, 0}) == 3);
  CHECK(model.self_attn.in_proj_bias.at({11}) == 0);  // left as it was, for it is not whole
}

TEST_CASE("io: a file with both of two names for one tensor, and one whose tensor a rule takes elsewhere") {
  const io::KeyMap both{.rules = {{{"a"}, {"layer.bias"}}, {{"b"}, {"layer.bias"}}, {{"w"}, {"layer.weight"}}}};
  Counted<float> model;
  const auto file = as_file({{"a", zeros<float>({3})},
                             {"b", zeros<float>({3})},
                             {"w", zeros<float>({3, 2})},
                             {"count", zeros<std::int64_t>({})},
                             {"mask", Tensor<bool>{true, true}}});
  CHECK_ERROR(io::load_state_dict(model, file, {.keys = both}), LoadError,
              "load_state_dict: f: layer.bias (theirs: b) is unexpected");
  const io::KeyMap taken{
      .rules = {{{"a"}, {"elsewhere"}}, {{"a"}, {"layer.bias"}}, {{"b"}, {}}, {{"w"}, {"layer.weight"}}}};
  CHECK_ERROR(io::load_state_dict(model, file, {.keys = taken}), LoadError,
              "load_state_dict: f: 2 problems, nothing was loaded\n"
              "  layer.bias is missing\n"
              "  elsewhere (theirs: a) is unexpected");
}

TEST_CASE("io: what cannot be saved by key rules is named") {
  const Counted<float> model;
  const io::KeyMap joined{.rules = {{{"theirs"}, {"layer.weight", "layer.gate"}}}};
  CHECK_ERROR(io::named_tensors(model, "", joined), Error,
              "named_tensors: theirs is made of 2 tensors, of which layer.gate is not in the module");
  const io::KeyMap cut{.rules = {{{"a", "b"}, {"layer.weight"}}}};
  CHECK_ERROR(io::named_tensors(model, "", cut), Error,
              "named_tensors: layer.weight [3, 2] cannot be cut into 2 parts");
}

TEST_CASE("io: numbers in blocks are cut, turned and joined by key rules, but for a cut within a block") {
  static const auto decode = [](const char* blocks, float* out, Index count) {  // two numbers to a byte
    for (Index i = 0; i < 2 * count; ++i) out[i] = static_cast<float>(blocks[i / 2] >> (i % 2 * 4) & 15);
  };
  static constexpr io::BlockType halves{"HALVES", 2, 1, decode};
  const auto file = [&](const Shape& shape) {
    const io::StoredTensor theirs{.name = "theirs",
                                  .dtype = io::Dtype::OTHER,
                                  .shape = shape,
                                  .bytes = {"\x10\x32\x54\x76\x98\xBA", 6},
                                  .dtype_text = "HALVES",
                                  .blocks = &halves};
    return io::TensorFile("read_it", "f", {theirs}, {}, nullptr);
  };
  const auto load = [&](const Shape& shape, io::KeyLayout layout) {
    nn::Linear<float> a(2, 3, {.bias = false});
    const io::KeyMap keys{.rules = {{{"theirs"}, {"gone", "weight"}, layout}}};
    io::load_state_dict(a, file(shape), {.keys = keys, .strict = false});
    return gloss_test::values(a.weight.detach());
  };
  CHECK(load({6, 2}, io::KeyLayout::same) == std::vector<float>{6, 7, 8, 9, 10, 11});
  CHECK_ERROR(load({2, 6}, io::KeyLayout::transposed), LoadError,
              "load_state_dict: theirs: HALVES cannot be cut within a block of 2");
}

TEST_CASE("io: a tensor is cut by shares, and saved whole again") {
  struct Attention final : nn::Module<float> {
    nn::Linear<float> q{4, 6, {.bias = false}}, k{4, 2, {.bias = false}};
    void visit(nn::Visitor<float>& v) override { v("q", q), v("k", k); }
  };
  for (const io::KeyLayout layout : {io::KeyLayout::same, io::KeyLayout::transposed}) {
    const io::KeyMap keys{.rules = {{{"qk"}, {"q.weight", "k.weight"}, layout, {3, 1}}}};
    Tensor<float> whole = arange<float>(32).reshape({8, 4});
    if (layout == io::KeyLayout::transposed) whole = whole.transpose(0, 1);
    Attention model;
    CHECK(io::load_state_dict(model, as_file({{"qk", whole}}), {.keys = keys}).complete());
    CHECK(model.q.weight.at({5, 3}) == 23);
    CHECK(model.k.weight.at({0, 0}) == 24);
    const std::vector<io::NamedTensor> saved = io::named_tensors(model, "", keys);
    REQUIRE(saved.size() == 1);
    CHECK(gloss_test::same_bits(as_file(saved).tensor<float>("qk"), whole.contiguous()));
    CHECK_ERROR(io::load_state_dict(model, as_file({{"qk", zeros<float>({4, 4})}}), {.keys = keys}), LoadError,
                "load_state_dict: f: q.weight, k.weight (theirs: qk) has shape [4, 4], the model's has " +
                    to_string(whole.shape()));
  }
}
