#include <gloss/core/looks_like.hpp>

#include "support/catch.hpp"

using gloss::looks_like;
using namespace std::string_literals;

TEST_CASE("looks_like: what is often given in place of a file of numbers") {
  CHECK(looks_like("") == "is empty");
  CHECK(looks_like("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n") ==
        "looks like a git-LFS pointer to the file");
  CHECK(looks_like("PK\3\4\0\0\10\10\0\0\0\0\0\0archive/data.pkl"s) ==
        "looks like a PyTorch checkpoint, which io::load_torch_file reads");
  CHECK(looks_like("PK\3\4\0\0\10\10\0\0\0\0\0\0x.npy"s) == "looks like arrays of NumPy, which io::load_npz reads");
  CHECK(looks_like("PK\3\4\0\0\10\10\0\0\0\0\0\0word/document.xml"s) == "looks like a zip archive");
  CHECK(looks_like("\x80\2\x8a\n\x6c\xfc\x9c\x46\xf9 ") ==
        "looks like a PyTorch checkpoint, which io::load_torch_file reads");
  CHECK(looks_like("\x80\2}") == "looks like a Python pickle");
  CHECK(looks_like("\x80\4\x95") == "looks like a Python pickle");
  CHECK(looks_like("GGUF\3\0\0\0"s) == "looks like a GGUF model, which io::load_gguf reads");
  CHECK(looks_like("\x93NUMPY\1\0"s) == "looks like a NumPy array, which io::load_npy reads");
  CHECK(looks_like("\x89PNG\r\n\x1a\n") == "looks like a PNG image");
  CHECK(looks_like("\x1f\x8b\10\0"s) == "looks like gzip data");
  CHECK(looks_like("\20\0\0\0\0\0\0\0{\"a\":{}}        "s) ==
        "looks like a safetensors file, which io::load_safetensors reads");
  CHECK(looks_like("\n<!DOCTYPE html>\n<html><head>") == "looks like HTML or XML");
  CHECK(looks_like("{\"error\": \"not found\"}") == "looks like JSON");
  CHECK(looks_like("\xEF\xBB\xBF [1, 2]") == "looks like JSON");
  CHECK(looks_like("Access denied: Tür zu\n") == "looks like text");
  CHECK(looks_like("weights" + std::string(250, '\0') + "ustar  " + std::string(100, '\0')) ==
        "looks like a tar archive");
  CHECK(looks_like("\xff\xfe\60\0\61\0"s) == "looks like UTF-16 text");
}

TEST_CASE("looks_like: what it does not know has no name") {
  CHECK(looks_like("\0\0\0\0"s) == "");
  CHECK(looks_like("PK and text\1") == "");
  CHECK(looks_like("\xf0\xf1\xf2\xf3") == "");
  CHECK(looks_like(std::string(600, '\0')) == "");
}
