// Frames of videos: which, and from where.
#include <algorithm>
#include <cstdio>
#include <map>

#include <gloss/data/images.hpp>
#include <gloss/data/video.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using Frames = std::vector<Index>;

TEST_CASE("segment_centers: the middle of each segment") {
  CHECK(data::segment_centers(100, {.segments = 4}) == Frames{12, 37, 62, 87});
  CHECK(data::segment_centers(8, {.segments = 8}) == Frames{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(data::segment_centers(3, {.segments = 6}) == Frames{0, 0, 1, 1, 2, 2});
  CHECK(data::segment_centers(12, {.segments = 2, .length = 3}) == Frames{2, 3, 4, 7, 8, 9});
  CHECK(data::segment_centers(12, {.segments = 2, .length = 3, .stride = 2}) == Frames{2, 4, 6, 6, 8, 10});
  CHECK(data::segment_centers(2, {.segments = 1, .length = 4}) == Frames{0, 1, 1, 1});
}

TEST_CASE("segment_frames: anywhere in each segment, each place as likely") {
  Rng rng(3);
  std::map<Index, int> seen[3];
  for (int i = 0; i < 3000; ++i) {
    const Frames frames = data::segment_frames(31, {.segments = 3}, rng);
    REQUIRE(frames.size() == 3);
    for (std::size_t k = 0; k < 3; ++k) ++seen[k][frames[k]];
  }
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(seen[k].size() == 10);
    CHECK(seen[k].begin()->first == static_cast<Index>(10 * k));
    for (const auto& [frame, times] : seen[k]) CHECK(std::abs(times - 300) < 80);
  }
  // Too few frames: each, and some twice, in order.
  for (int i = 0; i < 50; ++i) {
    Frames frames = data::segment_frames(3, {.segments = 5}, rng);
    CHECK((frames.size() == 5 && std::is_sorted(frames.begin(), frames.end())));
    frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
    CHECK(frames == Frames{0, 1, 2});
  }
  const Frames snippets = data::segment_frames(20, {.segments = 2, .length = 4, .stride = 2}, rng);
  REQUIRE(snippets.size() == 8);
  for (std::size_t i : {0u, 4u})
    for (Index k = 1; k < 4; ++k) CHECK(snippets[i + static_cast<std::size_t>(k)] == snippets[i] + 2 * k);
  Rng a(4), b(4);
  CHECK(data::segment_frames(300, {}, a) == data::segment_frames(300, {}, b));
  CHECK_ERROR(data::segment_frames(0, {}, rng), Error, "segment_frames: a video of 0 frames");
  CHECK_ERROR(data::segment_centers(9, {.segments = 0}), Error, "segment_frames: 0 segments of 1 frames, 1 apart");
}

TEST_CASE("frame_files: the pictures of a folder in the order of their numbers") {
  const TempFolder folder;
  for (const char* name : {"img_10.png", "img_9.JPG", "img_1.jpeg", "notes.txt", "img_02.png"}) folder.write(name, "x");
  std::vector<std::string> names;
  for (const std::string& path : data::frame_files(folder.file(""))) names.push_back(path.substr(path.rfind('/') + 1));
  CHECK(names == std::vector<std::string>{"img_1.jpeg", "img_02.png", "img_9.JPG", "img_10.png"});
  CHECK(data::comes_before("a2b10", "a10b2"));
  CHECK(data::comes_before("a2b2", "a2b10"));
  CHECK(data::comes_before("a", "a1"));
  CHECK(data::comes_before("01", "1"));
  CHECK_FALSE(data::comes_before("1", "01"));
  CHECK_FALSE(data::comes_before("7", "7"));
  CHECK(data::comes_before("a0001", "a2"));
  CHECK(data::comes_before("99999999999999999999998", "99999999999999999999999"));
  const TempFolder empty_folder;
  const std::string none = empty_folder.file("");
  CHECK_ERROR(data::frame_files(none), LoadError, "frame_files: " + none + ": no PNG or JPEG file");
  CHECK_ERROR(data::frame_files("/no/such/folder"), LoadError,
              "frame_files: /no/such/folder: No such file or directory");
}

TEST_CASE("RawFrames: frames of raw bytes, until the stream ends") {
  const TempFolder folder;
  std::string bytes;
  for (int i = 0; i < 5 * 12; ++i) bytes += static_cast<char>(i);
  struct Stream {
    std::FILE* file;
    explicit Stream(const std::string& path) : file(std::fopen(path.c_str(), "rb")) {}
    ~Stream() { std::fclose(file); }
  };
  const std::string path = folder.write("film.rgb", bytes), cut = folder.write("cut.rgb", bytes.substr(0, 17));
  {
    const Stream stream(path);
    data::RawFrames film(stream.file, {2, 2});
    const auto first = film.next();
    REQUIRE(first);
    CHECK(first->shape() == Shape{2, 2, 3});
    CHECK(first->at({1, 0, 2}) == 8);
    const auto some = film.at({2, 2, 4});
    REQUIRE(some.size() == 3);
    CHECK(some[0].at({0, 0, 0}) == 24);
    CHECK(some[1].is_same(some[0]));
    CHECK(some[2].at({0, 0, 0}) == 48);
    CHECK(film.position() == 5);
    CHECK_FALSE(film.next());
    CHECK_ERROR(film.at({3}), IndexError, "RawFrames: frame 3 has gone by, at 5");
    CHECK_ERROR(film.at({7}), IndexError, "RawFrames: frame 7 of 5");
  }
  const Stream stream(cut);
  data::RawFrames film(stream.file, {4, 3}, 1);
  CHECK(film.next()->shape() == Shape{4, 3, 1});
  CHECK_ERROR(film.next(), LoadError, "RawFrames: the stream ends within frame 1: 5 of 12 bytes");
  CHECK_ERROR(data::RawFrames(nullptr, {4, 3}), Error, "RawFrames: there is no stream");
  CHECK_ERROR(data::RawFrames(stream.file, {4, 3}, 0), ShapeError, "RawFrames: 0 channels");
  CHECK_ERROR(data::RawFrames(stream.file, {4, 0}), ShapeError, "RawFrames: a size of 4 x 0 has no pixels");
  const TempFolder here;
  std::FILE* const only_written = std::fopen(here.file("w").c_str(), "wb");
  CHECK_ERROR(data::RawFrames(only_written, {1, 1}).next(), LoadError, "RawFrames: frame 0 cannot be read");
  std::fclose(only_written);
}

TEST_CASE("video: one stream of random numbers crops all frames of a clip alike") {
  std::vector<Tensor<float>> clip(4, arange<float>(400).view({20, 20}));
  const data::Compose augment(data::RandomCrop(8), data::RandomHorizontalFlip());
  Rng rng(2), same;
  for (auto& frame : clip) frame = augment(frame, same = rng);
  rng = same;
  for (const auto& frame : clip) CHECK(gloss_test::same_bits(frame, clip[0]));
  CHECK(rng.position() > 0);
}
