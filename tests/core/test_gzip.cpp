#include <gloss/core/gzip.hpp>

#include "support/tensors.hpp"

using namespace gloss;

namespace {
using namespace std::string_literals;
// printf 'hello' | gzip -n, and of 'hello' and ' you', one behind the other
const std::string hello =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00"s;
const std::string nothing = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"s;
}  // namespace

TEST_CASE("gunzip: what gzip packed, members one behind the other") {
  CHECK(is_gzip(hello));
  CHECK_FALSE(is_gzip("hello"));
#ifdef GLOSS_ZLIB
  CHECK(gunzip("read", hello, "f") == "hello");
  CHECK(gunzip("read", hello + nothing + hello, "f") == "hellohello");
  CHECK(gunzip("read", nothing, "f").empty());
  CHECK(gunzip("read", hello, "f", 5) == "hello");
  CHECK_ERROR(gunzip("read", hello, "f", 4), LoadError, "read: f: unpacks to more than 4 bytes");
  for (std::size_t n = 2; n < hello.size(); ++n)
    CHECK_ERROR(gunzip("read", hello.substr(0, n), "f"), LoadError, "read: f: the gzip data are cut short");
  for (const std::size_t at : {3u, 12u, 18u, 22u}) {
    std::string bad = hello;
    bad[at] = static_cast<char>(bad[at] ^ 0x55);
    CHECK_THROWS_AS(gunzip("read", bad, "f"), LoadError);
  }
  CHECK_ERROR(gunzip("read", hello + "rest", "f"), LoadError, "read: f: the gzip data are damaged");
#else
  CHECK_ERROR(gunzip("read", hello, "f"), LoadError,
              "read: f: it is packed by gzip, and this program was built without zlib");
#endif
}
