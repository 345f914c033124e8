// What compare_tokenizers.py compares: encodes texts that come on stdin, each as its length, a line end and its bytes.
//   compare_tokenizers KIND FILE encode|time
// KIND: json, sentencepiece, tiktoken:PATTERN or bert. encode: for each text the ids, a line with the offsets, and the
// decoded text, with its length before it; time: seconds of the processor for all texts, ids alone and whole encodings.
#include <cstdio>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include <gloss/text/bert_tokenizer.hpp>
#include <gloss/text/sentencepiece.hpp>
#include <gloss/text/tiktoken.hpp>
#include <gloss/text/tokenizer_json.hpp>

using namespace gloss;

namespace {

text::Pipeline load(const std::string& kind, const std::string& path) {
  if (kind == "json") return text::load_tokenizer(path);
  if (kind == "bert") return text::load_bert_tokenizer(path);
  if (kind == "sentencepiece") return text::load_sentencepiece(path);
  return text::load_tiktoken(path, {.pattern = kind.substr(kind.find(':') + 1)});
}

template <class F>
double seconds(F&& f) {
  const std::clock_t start = std::clock();
  f();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: compare_tokenizers KIND FILE encode|time\n", stderr), 2;
  std::ios::sync_with_stdio(false);
  try {
    const text::Pipeline tokenizer = load(argv[1], argv[2]);
    std::vector<std::string> texts;
    for (std::size_t size = 0; std::cin >> size;) {
      std::cin.get();
      texts.emplace_back(size, '\0');
      std::cin.read(texts.back().data(), static_cast<std::streamsize>(size));
    }
    if (std::string(argv[3]) == "time") {
      std::size_t tokens = 0;
      const double ids = seconds([&] {
        for (const std::string& t : texts) tokens += tokenizer.encode(t).size();
      });
      const double all = seconds([&] {
        for (const std::string& t : texts) tokens += tokenizer(t).ids.size();
      });
      std::cout << ids << " " << all << " " << tokens << "\n";
      return 0;
    }
    for (const std::string& t : texts) {
      const text::Encoding e = tokenizer(t);
      for (const Index id : e.ids) std::cout << id << ' ';
      std::cout << '\n';
      for (const auto& [begin, end] : e.offsets) std::cout << begin << ' ' << end << ' ';
      const std::string decoded = tokenizer.decode(e.ids);
      std::cout << '\n' << decoded.size() << '\n' << decoded << '\n';
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
