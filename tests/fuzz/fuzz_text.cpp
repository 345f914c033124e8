// Catalogues, pairs, vocabularies and encodings: the first letter says as what the rest is read.
#include <gloss/data/bpe.hpp>
#include <gloss/data/mo.hpp>
#include <gloss/data/po.hpp>
#include <gloss/data/tsv.hpp>
#include <gloss/data/vocab.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

void gloss_fuzz::run(std::string_view bytes) {
  if (bytes.empty()) return;
  const char kind = bytes[0];
  bytes.remove_prefix(1);
  try {
    if (kind == 'p') {
      static_cast<void>(data::parse_po(bytes, "f"));
    } else if (kind == 'm') {
      static_cast<void>(data::parse_mo(bytes, "f"));
    } else if (kind == 't') {
      static_cast<void>(data::parse_tsv(bytes, "f"));
    } else if (kind == 'v') {
      const data::Vocab vocab = data::Vocab::from_string(bytes, "f");
      require_of([&] { return data::Vocab::from_string(vocab.to_string(), "own") == vocab; });
    } else {
      const data::Bpe bpe = data::Bpe::from_string(bytes, "f");
      require_of([&] { return bpe.decode(bpe.encode("Save the file")) == "Save the file"; });
      require_of([&] { return data::Bpe::from_string(bpe.to_string(), "own") == bpe; });
    }
  } catch (const Error&) {
  }
}
