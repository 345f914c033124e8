#include <cmath>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include <gloss/gloss.hpp>
#include <gloss/tensor/profile.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using D = Tensor<double>;

namespace {

/// The row of an op; one without calls when there is none.
ProfileRow row_of(const Profile& profile, const std::string& op) {
  for (const ProfileRow& row : profile.rows())
    if (row.op == op) return row;
  return {};
}

std::set<std::string> ops_of(const Profile& profile) {
  std::set<std::string> ops;
  for (const ProfileRow& row : profile.rows()) ops.insert(row.op);
  return ops;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("profile: ops are counted by name, recorded or not") {
  const auto a = D{{1, -2}, {3, 4}}.requires_grad_(), b = D{{1, 2}, {3, 4}};
  Profile profile;
  CHECK(profile.rows().empty());
  const auto y = relu(matmul(a, b));
  CHECK(ops_of(profile) == std::set<std::string>{"matmul", "relu"});
  {
    const NoGradGuard no_grad;
    CHECK(sum(exp(matmul(b, b)) + b).item() > 0);
  }
  CHECK(ops_of(profile) == std::set<std::string>{"matmul", "relu", "exp", "add", "sum"});
  CHECK(row_of(profile, "matmul").forward_calls == 2);
  CHECK(row_of(profile, "relu").forward_calls == 1);
  CHECK(row_of(profile, "relu").backward_calls == 0);
  CHECK(isfinite(b).numel() == 4);
  CHECK(row_of(profile, "map").forward_calls == 1);  // what no record() names
}

TEST_CASE("profile: backward is counted by node, with all that it computes") {
  const auto a = rand<double>({2, 3}).requires_grad_(), b = rand<double>({3, 4}).requires_grad_();
  const auto y = sum(relu(matmul(a, b)));
  Profile profile;
  y.backward();
  CHECK(ops_of(profile) == std::set<std::string>{"matmul", "relu", "sum", "fill_"});  // fill_: the gradient 1
  const ProfileRow row = row_of(profile, "matmul");
  CHECK(row.forward_calls == 0);  // its two products are its own work
  CHECK(row.backward_calls == 1);
  CHECK(row.flops == 2 * 48);
  CHECK(row.forward_seconds == 0);
  CHECK(row.backward_seconds > 0);
  CHECK(row.flop_seconds == row.backward_seconds);
}

TEST_CASE("profile: operations and bytes are those of the sizes") {
  const auto a = ones<float>({5, 2, 3}), b = ones<float>({3, 4}), c = ones<float>({5, 3, 4});
  {
    Profile profile;
    CHECK(matmul(a, b).numel() == 40);
    CHECK(row_of(profile, "matmul").flops == 5 * 2 * 2 * 3 * 4);
    CHECK(row_of(profile, "matmul").bytes == 4 * (30 + 12 + 40));
  }
  {
    Profile profile;
    CHECK(matmul(a, c).numel() == 40);
    CHECK(row_of(profile, "matmul").flops == 5 * 2 * 2 * 3 * 4);
    CHECK(row_of(profile, "matmul").bytes == 4 * (30 + 60 + 40));
  }
  {
    Profile profile;
    CHECK(linear(a, b.mT().contiguous()).numel() == 40);
    CHECK(row_of(profile, "linear").flops == 2 * 10 * 3 * 4);
    CHECK((a + a).numel() == 30);
    CHECK(row_of(profile, "add").flops == 0);
    CHECK(row_of(profile, "add").bytes == 3 * 4 * 30);
  }
  {
    const auto q = ones<float>({2, 3, 4}).requires_grad_(), k = ones<float>({2, 5, 4}), v = ones<float>({2, 5, 6});
    Profile all, causal;  // the innermost hears
    const auto y = scaled_dot_product_attention(q, k, v, {.causal = true});
    CHECK(row_of(causal, "scaled_dot_product_attention").flops == 2 * 2 * (3 + 4 + 5) * (4 + 6));
    causal.stop();
    CHECK(scaled_dot_product_attention(q, k, v).numel() == 36);
    CHECK(row_of(all, "scaled_dot_product_attention").flops == 2 * 2 * (3 * 5) * (4 + 6));
    y.backward(ones<float>({2, 3, 6}));
    CHECK(row_of(all, "scaled_dot_product_attention").flops ==
          2 * 2 * (3 * 5) * (4 + 6) + 2 * 2 * (3 + 4 + 5) * (3 * 4 + 2 * 6));
  }
  Profile profile;
  CHECK(scaled_dot_product_attention(ones<float>({5, 1}), ones<float>({3, 1}), ones<float>({3, 1}), {.causal = true})
            .numel() == 5);
  CHECK(row_of(profile, "scaled_dot_product_attention").flops == 2 * (1 + 2 + 3) * 2);
}

TEST_CASE("profile: a training step of the Annotated Transformer has the products that its sizes tell") {
  constexpr Index vocab = 11, d = 16, ff = 32, layers = 2, batch = 3, length = 5;
  auto model = transformer::make_model<float>(
      {.src_vocab = vocab, .tgt_vocab = vocab, .N = layers, .d_model = d, .d_ff = ff, .h = 2});
  const train::Batch data(randint(3, vocab, {batch, length}), randint(3, vocab, {batch, length + 1}), 2);
  const train::SimpleLossCompute compute(model.generator, train::LabelSmoothing<float>(vocab, 2, 0.1));
  optim::Adam<float> adam(model.parameters());
  Profile profile;
  const auto loss = compute(model(data.src, data.tgt, data.src_mask, data.tgt_mask), data.tgt_y, 1.0);
  loss.node.backward();
  adam.step();
  profile.stop();
  // each weight meets each token once forward and twice backward
  const Index weights = layers * (3 * 4 * d * d + 2 * 2 * d * ff) + d * vocab;
  const ProfileRow alone = row_of(profile, "linear"), joint = row_of(profile, "joint_linear");
  CHECK(alone.flops + joint.flops == static_cast<double>(3 * 2 * batch * length * weights));
  // one product for queries, keys and values; over the source, one for keys and values
  CHECK(joint.forward_calls == layers * 3);
  CHECK(joint.backward_calls == layers * 3);
  CHECK(alone.forward_calls == layers * (1 + 1 + 2 + 2 * 2) + 1);
  CHECK(alone.backward_calls == layers * (1 + 1 + 2 + 2 * 2) + 1);
  CHECK(row_of(profile, "multi_head_attention").forward_calls == layers * 3);
  CHECK(row_of(profile, "Adam").forward_calls == static_cast<Index>(model.parameters().size()));
  for (const char* op : {"layer_norm", "dropout", "add_dropout", "embedding", "log_softmax", "label_smoothing"}) {
    INFO(op);
    CHECK(row_of(profile, op).forward_calls > 0);
    CHECK(row_of(profile, op).backward_calls > 0);
  }
}

TEST_CASE("profile: the work of an op within another is the outer one's") {
  const auto a = ones<float>({2, 3}), b = ones<float>({3, 4});
  Profile profile;
  {
    const ProfileScope scope("mine");
    CHECK(matmul(a, b).numel() == 8);
    CHECK(relu(b).numel() == 12);
  }
  CHECK(ops_of(profile) == std::set<std::string>{"mine"});
  CHECK(row_of(profile, "mine").forward_calls == 1);
  CHECK(row_of(profile, "mine").flops == 48);
  const auto events = nlohmann::json::parse(profile.trace())["traceEvents"];
  REQUIRE(events.size() == 3);  // in the trace they lie within it
  CHECK(events[0]["name"] == "matmul");
  CHECK(events[1]["name"] == "relu");
  CHECK(events[2]["name"] == "mine");
  const auto end = [](const nlohmann::json& e) { return e["ts"].get<double>() + e["dur"].get<double>(); };
  CHECK(events[2]["ts"].get<double>() <= events[0]["ts"].get<double>());
  CHECK(end(events[0]) <= events[1]["ts"].get<double>() + 0.002);  // rounded to 0.001 microseconds
  CHECK(end(events[1]) <= end(events[2]) + 0.002);
}

TEST_CASE("profile: times are those of the rows, and add up to no more than the whole") {
  const auto a = rand<float>({64, 64});
  Profile profile;
  for (int i = 0; i < 3; ++i) CHECK(softmax(matmul(a, a), -1).numel() > 0);
  profile.stop();
  const double whole = profile.seconds();
  double sum = 0, last = INFINITY;
  for (const ProfileRow& row : profile.rows()) {
    CHECK(row.seconds() > 0);
    CHECK(row.seconds() <= last);
    last = row.seconds();
    sum += row.seconds();
  }
  CHECK(sum <= whole);
  CHECK(profile.seconds() == whole);
  CHECK(matmul(a, a).numel() > 0);
  CHECK(row_of(profile, "matmul").forward_calls == 3);  // it listens no more
}

TEST_CASE("profile: the innermost listens alone, and the outer one again after it") {
  const auto a = ones<float>({2, 2});
  Profile outer;
  {
    Profile inner;
    CHECK(matmul(a, a).numel() == 4);
    CHECK(row_of(inner, "matmul").forward_calls == 1);
  }
  CHECK(outer.rows().empty());
  CHECK(matmul(a, a).numel() == 4);
  CHECK(row_of(outer, "matmul").forward_calls == 1);
}

TEST_CASE("profile: each thread has its own") {
  const auto a = ones<float>({2, 2});
  Profile here;
  Index there_calls = 0;
  int there_tid = 0;
  std::thread([&] {
    CHECK(matmul(a, a).numel() == 4);  // nobody listens on this thread
    Profile there;
    for (int i = 0; i < 5; ++i) static_cast<void>(matmul(a, a));
    there_calls = row_of(there, "matmul").forward_calls;
    there_tid = nlohmann::json::parse(there.trace())["traceEvents"][0]["tid"];
  }).join();
  CHECK(there_calls == 5);
  CHECK(here.rows().empty());
  CHECK(matmul(a, a).numel() == 4);
  CHECK(row_of(here, "matmul").forward_calls == 1);
  CHECK(nlohmann::json::parse(here.trace())["traceEvents"][0]["tid"] != there_tid);
}

TEST_CASE("profile: an op that throws leaves it in order") {
  const auto a = ones<float>({2}), b = ones<float>({3});
  Profile profile;
  CHECK_THROWS_AS(a + b, ShapeError);
  CHECK((a * a).numel() == 2);
  CHECK(row_of(profile, "mul").forward_calls == 1);
  const auto x = ones<double>({2}).requires_grad_();
  const auto y = record("thrower", x * 2, {x}, [](const D&, Grads&) { fail("no way back"); });
  CHECK_THROWS_AS(sum(y).backward(), Error);
  CHECK(row_of(profile, "thrower").backward_calls == 1);
  CHECK((a - a).numel() == 2);
  CHECK(row_of(profile, "sub").forward_calls == 1);
}

TEST_CASE("profile: the trace is JSON of Chrome's format, whatever the names") {
  const auto x = ones<double>({2}).requires_grad_();
  Profile profile;
  CHECK(nlohmann::json::parse(profile.trace())["traceEvents"].empty());
  { const ProfileScope scope("quoted \"name\"\\\n\x01"); }
  std::string changing = "first";
  { const ProfileScope scope(changing.c_str()); }
  changing = "other";
  { const ProfileScope scope(changing.c_str()); }
  { const ProfileScope scope(changing.c_str()); }
  CHECK(row_of(profile, "first").forward_calls == 1);
  CHECK(row_of(profile, "other").forward_calls == 2);
  sum(exp(x)).backward();
  profile.stop();
  const auto trace = nlohmann::json::parse(profile.trace());
  CHECK(trace["displayTimeUnit"] == "ms");
  CHECK(trace["otherData"]["events_left_out"] == 0);
  CHECK(trace["otherData"]["build"] == build_report());
  std::set<std::string> names;
  int backward = 0;
  for (const auto& event : trace["traceEvents"]) {
    names.insert(event["name"].get<std::string>());
    CHECK(event["ph"] == "X");
    CHECK(event["pid"] == 1);
    CHECK(event["tid"].is_number_integer());
    CHECK(event["ts"].get<double>() >= 0);
    CHECK(event["dur"].get<double>() >= 0);
    CHECK(event["ts"].get<double>() + event["dur"].get<double>() <= profile.seconds() * 1e6 + 0.002);
    CHECK((event["cat"] == "forward" || event["cat"] == "backward"));
    backward += event["cat"] == "backward";
  }
  CHECK(names.contains("quoted \"name\"\\\n\x01"));
  CHECK(names.contains("exp"));
  CHECK(names.contains("sum"));
  CHECK(backward == 2);  // of exp and sum
}

TEST_CASE("profile: the trace has a limit, the table has none") {
  const auto a = ones<float>({2});
  Profile profile({.max_events = 3});
  for (int i = 0; i < 10; ++i) CHECK(relu(a).numel() == 2);
  CHECK(row_of(profile, "relu").forward_calls == 10);
  const auto trace = nlohmann::json::parse(profile.trace());
  CHECK(trace["traceEvents"].size() == 3);
  CHECK(trace["otherData"]["events_left_out"] == 7);
}

TEST_CASE("profile: the table has a line for each op, and one for the whole") {
  const auto a = ones<float>({8, 8});
  Profile profile;
  CHECK(matmul(a, a).numel() == 64);
  CHECK((matmul(a, a) + a).numel() == 64);
  profile.stop();
  const auto lines = lines_of(profile.table());
  REQUIRE(lines.size() == 4);
  CHECK(words_of(lines[0]) == words_of("op calls forward ms backward backward ms share % GFLOP/s GB/s"));
  CHECK(lines[0].size() == lines[1].size());
  CHECK(lines[1].size() == lines[2].size());
  for (int i : {1, 2}) {
    const auto words = words_of(lines[static_cast<std::size_t>(i)]);
    REQUIRE(words.size() == 8);
    CHECK(words[1] == (words[0] == "matmul" ? "2" : "1"));
    CHECK(std::stod(words[2]) == Approx(row_of(profile, words[0]).forward_seconds * 1e3).margin(0.001));
    CHECK(words[3] == "0");
    CHECK(words[4] == "0.000");
    CHECK((words[6] == "-") == (words[0] == "add"));
    CHECK(words[7] != "-");
  }
  CHECK(words_of(lines[3]).front() == "in");
  CHECK(lines[3].find(" ms of them outside of ops; ") != std::string::npos);
  CHECK(lines[3].ends_with(" GFLOP/s"));

  const auto with_peak = lines_of(profile.table(2e9));
  REQUIRE(with_peak.size() == 4);
  CHECK(with_peak[0].ends_with("  % of peak"));
  CHECK(with_peak[3].ends_with(" % of the peak of 2.0"));
  const ProfileRow row = row_of(profile, "matmul");
  const double share = row.flops / row.flop_seconds / 2e9 * 100;
  for (const auto& line : with_peak)
    if (line.starts_with("matmul")) CHECK(std::stod(words_of(line).back()) == Approx(share).margin(0.05));
}

TEST_CASE("profile: one that heard nothing says so") {
  Profile profile;
  profile.stop();
  const auto lines = lines_of(profile.table());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "op  calls  forward ms  backward  backward ms  share %  GFLOP/s  GB/s");
  CHECK(lines[1].ends_with(" ms of them outside of ops"));
}
