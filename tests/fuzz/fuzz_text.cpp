// Catalogues, pairs, vocabularies and encodings: the first letter says as what the rest is read.
#include <gloss/data/pairs/mo.hpp>
#include <gloss/data/pairs/po.hpp>
#include <gloss/data/pairs/tsv.hpp>
#include <gloss/text/bpe.hpp>
#include <gloss/text/vocab.hpp>

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
      const text::Vocab vocab = text::Vocab::from_string(bytes, "f");
      require_of([&] { return text::Vocab::from_string(vocab.to_string(), "own") == vocab; });
    } else {
      const text::Bpe bpe = text::Bpe::from_string(bytes, "f");
      require_of([&] { return bpe.decode(bpe.encode("Save the file")) == "Save the file"; });
      require_of([&] { return text::Bpe::from_string(bpe.to_string(), "own") == bpe; });
    }
  } catch (const Error&) {
  }
}
