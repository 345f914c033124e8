// Looks at what is written as XML.
#pragma once

#include <string>
#include <vector>

#include <gloss/text/utf8.hpp>

namespace gloss_test {

/// How often a text holds another.
inline std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

/// Whether elements nest, attributes are quoted and characters are ones that XML allows; enough for what we write.
inline bool is_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t at = 0; at < xml.size();) {
    const gloss::text::CodePoint c = gloss::text::decode_utf8(xml, at);
    if (c.value >= gloss::text::invalid_byte || (c.value < 0x20 && c.value != '\n') || c.value == 0xFFFE ||
        c.value == 0xFFFF)
      return false;
    if (c.value == '>') return false;
    if (c.value == '&') {
      const std::string entity = xml.substr(at + 1, xml.find(';', at) - at - 1);
      if (entity != "amp" && entity != "lt" && entity != "gt" && entity != "quot") return false;
    }
    if (c.value != '<') {
      at += c.bytes;
      continue;
    }
    std::size_t end = at + 1;
    for (bool quoted = false; end < xml.size() && (quoted || xml[end] != '>'); ++end) {
      if (xml[end] == '"') quoted = !quoted;
      if (xml[end] == '<') return false;
    }
    if (end >= xml.size()) return false;
    const std::string tag = xml.substr(at + 1, end - at - 1), name = tag.substr(0, tag.find(' '));
    if (tag[0] == '/') {
      if (open.empty() || "/" + open.back() != tag) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    at = end + 1;
  }
  return open.empty();
}

}  // namespace gloss_test
