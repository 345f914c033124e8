// Event files, compared byte by byte with what PyTorch and TensorBoard write.
#include <gloss/train/tensorboard.hpp>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>

#include <gloss/tensor/factories.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using train::TensorBoard;

namespace {

struct Record {
  std::size_t at = 0;
  std::string bytes;
};

/// The records of a file, lengths and checksums checked.
std::vector<Record> records(const std::string& file) {
  std::vector<Record> found;
  for (std::size_t at = 0; at < file.size();) {
    std::size_t length = 0;
    for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(file[at + i]);
    REQUIRE(at + 16 + length <= file.size());
    const std::string bytes = file.substr(at + 12, length);
    REQUIRE(file.substr(at, 16 + length) == io::tf_record(bytes));
    found.push_back({at, bytes});
    at += 16 + length;
  }
  return found;
}

/// A clock that goes on by a second with every event.
std::function<double()> ticking() {
  return [time = 1699999999.25]() mutable { return ++time; };
}

}  // namespace

TEST_CASE("TensorBoard: writes what PyTorch's SummaryWriter writes") {
  const std::string golden = read_file(GLOSS_TEST_DATA "/tensorboard.events");
  const std::vector<Record> expected = records(golden);
  REQUIRE(expected.size() == 9);
  const std::string& picture_event = expected[6].bytes;
  const std::size_t png = picture_event.find("\x89PNG");
  REQUIRE(png != std::string::npos);

  const TempFolder folder;
  bool first = true;  // the name is made of the time, too
  TensorBoard board(folder.file("deep/run"), {.resume = true, .seconds = [&, tick = ticking()]() mutable {
                                                return std::exchange(first, false) ? 1700000000.0 : tick();
                                              }});
  CHECK(std::filesystem::path(board.path()).filename() == "events.out.tfevents.1700000000.0");
  board.add_scalar("loss/train", 0.1, 3);
  board.add_scalar("größe", -1e30, 1234567890123);
  board.add_scalar("first", 0, 0);
  board.add_histogram("weights", Tensor<double>{-2.5, -1, 0, 0, 1.0 / 1024, 0.5, 0.5, 3, 100}, 7);
  board.add_image("picture", picture_event.substr(png), 7);
  board.add_text("note/text_summary", "**bold** & größe", 8);
  const train::Logger logger = std::ref(board);
  logger({.phase = "validation", .step = 9, .values = {{"loss", 0.5}, {"accuracy", 0.75}}});
  logger({.phase = "epoch", .step = 9, .values = {}});  // nothing to write

  const std::string written = read_file(board.path());
  const std::vector<Record> got = records(written);
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("record " << i);
    CHECK((got[i].bytes == expected[i].bytes));
  }
  CHECK((written == golden));
}

TEST_CASE("TensorBoard: a histogram leaves out what is not finite, and takes every size of number") {
  const double inf = std::numeric_limits<double>::infinity();
  const auto of = [](const Tensor<double>& x) { return train::detail::Histogram(x); };
  const auto some = of({std::nan(""), 1, -inf, 2, inf});
  CHECK(some.count == 2);
  CHECK(some.min == 1);
  CHECK(some.max == 2);
  CHECK(some.sum_squares == 5);
  const auto none = of({std::nan("")});
  CHECK(none.count == 0);
  CHECK(none.limits.empty());
  const auto wide = of({-1e300, 1e300, 1e-300, 0});
  CHECK(wide.count == 4);
  CHECK(wide.limits.size() == wide.buckets.size());
  double all = 0;
  for (const double n : wide.buckets) all += n;
  CHECK(all == 4);
  const auto one = of({0.5});
  REQUIRE(one.limits.size() == 2);
  CHECK(one.buckets == std::vector<double>{0, 1});
  CHECK(one.limits[0] <= 0.5);
  CHECK(one.limits[1] > 0.5);
  CHECK(of(zeros<double>({0})).count == 0);
}

TEST_CASE("TensorBoard: tensors of any type and layout, and texts of any bytes") {
  const TempFolder folder;
  TensorBoard board(folder.file("run"));
  board.add_histogram("ids", Tensor<std::int64_t>{{1, 2}, {3, 4}}.t(), 1);
  board.add_histogram("none", Tensor<float>{std::nanf("")}, 1);
  board.add_scalar("bad \xff name", 1, 1);
  board.add_text("text", "\xff", 1);
  const std::vector<Record> got = records(read_file(board.path()));
  REQUIRE(got.size() == 5);
  CHECK(got[3].bytes.find("bad \xEF\xBF\xBD name") != std::string::npos);
  CHECK(got[4].bytes.find("\xEF\xBF\xBD") != std::string::npos);
}

TEST_CASE("TensorBoard: a second writer of the same second has a file of its own, behind the first") {
  const TempFolder folder;
  const train::TensorBoardOptions options{.seconds = [] { return 5.0; }};
  const TensorBoard first(folder.file("run"), options), second(folder.file("run"), options);
  CHECK(first.path() < second.path());
  CHECK(records(read_file(second.path())).size() == 1);
}

TEST_CASE("TensorBoard: errors name the file or the tag") {
  const TempFolder folder;
  TensorBoard board(folder.file("run"));
  CHECK_ERROR(board.add_image("samples", "GIF89a", 1), Error, "TensorBoard: the image 'samples' is no PNG file");
  CHECK_ERROR(board.add_image("samples", "\x89PNG", 1), Error, "TensorBoard: the image 'samples' is no PNG file");
  const std::string file = folder.write("file", "x");
  CHECK_THROWS_WITH(TensorBoard(file + "/run"), "TensorBoard: " + file + "/run: Not a directory");
}
