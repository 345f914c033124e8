// Names of types for people.
#pragma once

#include <cstdlib>
#include <string>
#include <typeinfo>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI::nn::detail {

/// Without namespaces and arguments: "Linear".
GLOSS_COLD inline std::string short_type_name(const std::type_info& type) {
  std::string name = type.name();
#if __has_include(<cxxabi.h>)
  int status = 0;
  if (char* const readable = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status)) {
    name = readable;
    std::free(readable);
  }
#endif
  std::string out;  // what stands outside of all brackets, behind the last colon
  int inside = 0;
  for (const char c : name) {
    if (c == '<' || c == '(' || c == '{') ++inside;
    if (inside == 0) out += c;
    if (c == '>' || c == ')' || c == '}') --inside;
    if (inside == 0 && (c == ':' || c == ' ')) out.clear();
  }
  return out;
}

}  // namespace gloss::inline GLOSS_ABI::nn::detail
