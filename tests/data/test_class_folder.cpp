#include <gloss/data/class_folder.hpp>

#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;

TEST_CASE("ClassFolder: folders are classes, in the order of their names, and so are files") {
  const TempFolder folder;
  for (const char* name : {"dog", "cat", "cat/deep", ".hidden"}) std::filesystem::create_directory(folder.path / name);
  for (const char* name : {"dog/2.png", "dog/1.JPG", "cat/deep/x.jpeg", "cat/a.png", "cat/notes.txt", "cat/.b.png",
                           ".hidden/c.png", "stray.png"})
    folder.write(name, "");
  const data::ClassFolder files(folder.path.string());
  CHECK(files.classes() == std::vector<std::string>{"cat", "dog"});
  REQUIRE(files.size() == 4);
  const char* expected[] = {"cat/a.png", "cat/deep/x.jpeg", "dog/1.JPG", "dog/2.png"};
  for (Index i = 0; i < 4; ++i) {
    CHECK(files.get(i).path == folder.file(expected[i]));
    CHECK(files.get(i).label == i / 2);
    CHECK(files.name(i) == files.get(i).path);
  }
  CHECK(values(files.labels()) == std::vector<std::int64_t>{0, 0, 1, 1});
  CHECK_ERROR(files.get(4), IndexError, "ClassFolder: item 4 is out of range, there are 4");
  CHECK(data::ClassFolder(folder.path.string() + "/", {".png"}).size() == 2);
  CHECK_ERROR(data::ClassFolder(folder.path.string(), {".txt"}), LoadError,
              "ClassFolder: " + folder.file("dog") + ": there are no files of a known kind in it");
}

TEST_CASE("ClassFolder: what is no such folder is refused") {
  const TempFolder folder;
  CHECK_ERROR(data::ClassFolder(folder.file("none")), LoadError,
              "ClassFolder: " + folder.file("none") + ": No such file or directory");
  CHECK_ERROR(data::ClassFolder(folder.path.string()), LoadError,
              "ClassFolder: " + folder.path.string() + ": there is no folder in it, one for each class");
  CHECK_ERROR(data::ClassFolder(folder.write("file", "")), LoadError,
              "ClassFolder: " + folder.file("file") + ": Not a directory");
}
