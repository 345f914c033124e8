#include <support/catch.hpp>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <gloss/io/atomic_file.hpp>
#include <support/temp_folder.hpp>

#ifndef _WIN32
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#endif

using namespace gloss;
using io::read_file;
using io::write_file_atomically;

namespace {
std::ptrdiff_t files_in(const TempFolder& folder) {
  return std::distance(std::filesystem::directory_iterator(folder.path), std::filesystem::directory_iterator());
}
}  // namespace

TEST_CASE("write_file_atomically: makes a file and replaces it") {
  const TempFolder folder;
  const std::string path = folder.file("a"), bytes("new\0bytes\n", 10);
  write_file_atomically(path, "old");
  CHECK(read_file(path) == "old");
  write_file_atomically(path, bytes);
  CHECK(read_file(path) == bytes);
  write_file_atomically(path, "");
  CHECK(read_file(path).empty());
  CHECK(files_in(folder) == 1);
}

TEST_CASE("write_file_atomically: what is not committed never was") {
  const TempFolder folder;
  const std::string path = folder.write("a", "old");
  {
    io::AtomicFile file(path);
    file.write("half", 4);
    CHECK(files_in(folder) == 2);
    CHECK(read_file(path) == "old");
  }
  CHECK(read_file(path) == "old");
  CHECK(files_in(folder) == 1);
}

TEST_CASE("write_file_atomically: names the file and the cause, and removes the temporary") {
  const TempFolder folder;
  CHECK_THROWS_WITH(write_file_atomically(folder.file("no/such"), "x"),
                    "write_file_atomically: " + folder.file("no/such") + ": No such file or directory");
  CHECK_THROWS_AS(write_file_atomically("", "x"), Error);
  std::filesystem::create_directory(folder.path / "folder");
  CHECK_THROWS_AS(write_file_atomically(folder.file("folder"), "x"), Error);
  CHECK(files_in(folder) == 1);
}

#ifndef _WIN32
TEST_CASE("write_file_atomically: what a kill left is removed by the next writer, what is being written is not") {
  const TempFolder folder;
  const std::string path = folder.write("a", "old");
  const auto killed = [&](auto work) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      work();
      kill(getpid(), SIGKILL);
    }
    waitpid(child, nullptr, 0);
  };
  const auto killed_between = [&] {
    killed([&] {
      io::AtomicFile one(path), two(path);
      one.write("half", 4);
      kill(getpid(), SIGKILL);
    });
  };
  killed_between();
  CHECK(files_in(folder) == 3);
  write_file_atomically(path, "new");
  CHECK(files_in(folder) == 1);
  killed_between();
  {
    io::AtomicFile one(path);
    one.write("one", 3);
    io::AtomicFile two(path);
    two.write("two", 3);
    io::AtomicFile three(path);
    three.write("thr", 3);
    CHECK(files_in(folder) == 4);
    killed([&] { write_file_atomically(path, "other process"); });
    CHECK(read_file(path) == "other process");
    CHECK(files_in(folder) == 4);
    two.commit();
    CHECK(read_file(path) == "two");
    one.commit();
    CHECK(read_file(path) == "one");
  }
  CHECK(read_file(path) == "one");
  CHECK(files_in(folder) == 1);
}

TEST_CASE("write_file_atomically: writers of one file at once leave one of their files, whole, and nothing else") {
  const TempFolder folder;
  const std::string path = folder.file("a");
  std::vector<std::thread> writers;
  std::atomic<int> failed = 0;
  for (char letter = 'a'; letter < 'e'; ++letter)
    writers.emplace_back([&, letter] {
      for (int round = 0; round < 100; ++round) {
        try {
          write_file_atomically(path, std::string(5000, letter));
        } catch (const Error&) {
          ++failed;
        }
      }
    });
  for (std::thread& writer : writers) writer.join();
  CHECK(failed == 0);
  const std::string bytes = read_file(path);
  CHECK(bytes.size() == 5000);
  CHECK(std::count(bytes.begin(), bytes.end(), bytes[0]) == 5000);
  CHECK(files_in(folder) == 1);
}

TEST_CASE("write_file_atomically: what somebody laid in the place of the temporary is left alone") {
  const TempFolder folder;
  const std::string path = folder.write("a", "old"), other = folder.write("other", "other");
  std::filesystem::create_symlink("other", folder.file("a.gloss.tmp"));
  std::filesystem::create_directory(folder.file("a.1.gloss.tmp"));
  write_file_atomically(path, "new");
  CHECK(read_file(path) == "new");
  CHECK(read_file(other) == "other");
  CHECK(files_in(folder) == 4);
}

TEST_CASE("write_file_atomically: a file that cannot grow leaves the old one") {
  const TempFolder folder;
  const std::string path = folder.write("a", "old");
  rlimit saved{};
  getrlimit(RLIMIT_FSIZE, &saved);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{10000, saved.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    write_file_atomically(path, std::string(20000, 'x'));
  } catch (const Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &saved);
  std::signal(SIGXFSZ, handler);
  CHECK(message == "write_file_atomically: " + path + ": File too large");
  CHECK(read_file(path) == "old");
  CHECK(files_in(folder) == 1);
}

TEST_CASE("write_file_atomically: keeps permissions and symbolic links, writes to devices directly") {
  const TempFolder folder;
  const std::string path = folder.write("a", "old"), link = folder.file("link");
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::create_symlink("a", link);
  write_file_atomically(link, "new");
  CHECK(std::filesystem::is_symlink(link));
  CHECK(read_file(path) == "new");
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  write_file_atomically("/dev/null", "x");
  CHECK(std::filesystem::is_character_file("/dev/null"));
  if (std::filesystem::exists("/dev/full"))
    CHECK_THROWS_WITH(write_file_atomically("/dev/full", "x"),
                      "write_file_atomically: /dev/full: No space left on device");
}

TEST_CASE("write_file_atomically: a kill at any moment leaves a whole file") {
  const TempFolder folder;
  const std::string path = folder.write("a", std::string(300000, 'a'));
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (char letter = 'a';; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1))
        write_file_atomically(path, std::string(300000, letter));
    }
    usleep(static_cast<useconds_t>(1000 + 700 * round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const std::string bytes = read_file(path);
    CHECK(bytes.size() == 300000);
    CHECK(std::count(bytes.begin(), bytes.end(), bytes[0]) == 300000);
  }
  write_file_atomically(path, "b");
  CHECK(files_in(folder) == 1);
}
#endif
