// One model that serves several threads: it makes up names that begin as asked. docs/serving.md goes through it.
#include <atomic>
#include <cstdio>
#include <gloss/gloss.hpp>
#include <string>
#include <thread>

using namespace gloss;
using Ids = Tensor<std::int64_t>;

namespace {

constexpr Index context = 3, letters = 27;  // 0 stands before and behind a name, 1 to 26 for a to z

template <Real T>
struct Namer final : nn::Module<T> {
  nn::Embedding<T> embed{letters, 8};
  nn::Linear<T> hidden{context * 8, 64}, next{64, letters};

  /// Shape: the last letters [n, context] -> scores of the next one [n, letters]
  Tensor<T> operator()(const Ids& last) const { return next(tanh(hidden(embed(last).flatten(1)))); }
  void visit(nn::Visitor<T>& v) override { v("embed", embed), v("hidden", hidden), v("next", next); }
};

Ids ids_of(const std::string& text) {
  Ids ids = zeros<std::int64_t>({context + static_cast<Index>(text.size())});
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] < 'a' || text[i] > 'z') fail<IndexError>("a name has letters from a to z, not '", text[i], "'");
    ids.at({context + static_cast<Index>(i)}) = text[i] - 'a' + 1;
  }
  return ids;
}

void teach(Namer<float>& model) {
  std::vector<Ids> before, behind;
  for (const char* name :
       {"anna",   "anton",  "berta", "bernd",  "clara",  "carlo",   "dora", "detlef",  "emil", "emma",
        "frieda", "fritz",  "greta", "gustav", "hanna",  "hermann", "ida",  "igor",    "jana", "jonas",
        "karla",  "konrad", "lena",  "ludwig", "martha", "moritz",  "nora", "norbert", "olga", "otto"}) {
    const Ids ids = cat<std::int64_t>({ids_of(name), Ids{0}});
    before.push_back(ids.slice(0, 0, -1).unfold(0, context, 1));
    behind.push_back(ids.slice(0, context));
  }
  const Ids x = cat(before, 0), y = cat(behind, 0);
  optim::Adam<float> adam(model.parameters(), {.lr = 0.02});
  for (int step = 0; step < 100; ++step) {
    cross_entropy(model(x), y).backward();
    adam.step();
    adam.zero_grad();
  }
}

/// The name that begins like this and goes on as the current random stream decides.
std::string complete(const Namer<float>& model, std::string name) {
  for (int i = 0; i < 20; ++i) {
    const Ids last = ids_of(name).slice(0, -context).unsqueeze(0);
    const std::int64_t letter = multinomial(softmax(0.7 * model(last), -1), 1).item();
    if (letter == 0) break;
    name += static_cast<char>('a' + letter - 1);
  }
  return name;
}

/// The replies to all requests, which so many threads take one after the other.
std::vector<std::string> serve(const Namer<float>& model, const std::vector<std::string>& requests, int threads) {
  std::vector<std::string> replies(requests.size());
  std::atomic<std::size_t> taken{0};
  const auto work = [&] {
    const NoGradGuard no_grad;  // each thread has its own grad mode, and begins by recording
    for (std::size_t i = taken++; i < requests.size(); i = taken++) {
      Rng rng(7, i);  // a stream for each request: its reply depends on nothing else
      const RngGuard use(rng);
      try {
        replies[i] = complete(model, requests[i]);
      } catch (const Error& e) {
        replies[i] = std::string("error: ") + e.what();
      }
    }
  };
  std::vector<std::thread> team;
  for (int i = 0; i < threads; ++i) team.emplace_back(work);
  for (std::thread& thread : team) thread.join();
  return replies;
}

}  // namespace

int main() {
  manual_seed(1);
  Namer<float> model;
  teach(model);
  model.eval();

  serve(model, {"a"}, 1);  // warm-up: the first call makes memory and threads
  const std::size_t before = memory_stats().in_use;
  const std::vector<std::string> requests = {"a", "a", "ka", "ka", "m", "x-ray", "", ""};
  const std::vector<std::string> replies = serve(model, requests, 4);
  for (std::size_t i = 0; i < requests.size(); ++i) std::printf("%s -> %s\n", requests[i].c_str(), replies[i].c_str());
  std::printf("from one thread: %s\n", serve(model, requests, 1) == replies ? "the same" : "something else");
  std::printf("memory in use: %s\n", memory_stats().in_use == before ? "as before" : "something was kept");
}
