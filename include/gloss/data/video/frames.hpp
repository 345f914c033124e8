// The frames of a video: a folder of pictures, or a stream of raw pixels from a program that decodes it
#pragma once

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/data/images/image.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Whether `a` comes before `b` where runs of digits count as numbers: frame9 before frame10.
GLOSS_LAZY bool comes_before(std::string_view a, std::string_view b) {
  const auto digits = [](std::string_view s, std::size_t from) {
    std::size_t end = from;
    while (end < s.size() && s[end] >= '0' && s[end] <= '9') ++end;
    return s.substr(from, end - from);
  };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    std::string_view x = digits(a, i), y = digits(b, j);
    if (x.empty() || y.empty()) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i, ++j;
      continue;
    }
    i += x.size(), j += y.size();
    x.remove_prefix((std::min)(x.find_first_not_of('0'), x.size()));
    y.remove_prefix((std::min)(y.find_first_not_of('0'), y.size()));
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  const bool ended = i == a.size();
  return ended == (j == b.size()) ? a < b : ended;
}

/// The PNG and JPEG files of a folder, in the order of the numbers in their names; io::read_image reads each.
/// Errors: LoadError when the folder cannot be read or holds no such file.
GLOSS_LAZY std::vector<std::string> frame_files(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string ending = at->path().extension().string();
    for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (ending == ".png" || ending == ".jpg" || ending == ".jpeg") names.push_back(at->path().filename().string());
  }
  if (error) fail<LoadError>("frame_files: ", folder, ": ", error.message());
  if (names.empty()) fail<LoadError>("frame_files: ", folder, ": no PNG or JPEG file");
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) { return comes_before(a, b); });
  for (std::string& name : names) name = (std::filesystem::path(folder) / name).string();
  return names;
}

/// Frames of raw bytes one after another, [height, width, channels] each, as a decoder writes them into a pipe or file:
///
///     FILE* const pipe = popen("ffmpeg -v error -i film.mp4 -vf scale=320:240 -f rawvideo -pix_fmt rgb24 -", "r");
///     data::RawFrames film(pipe, {240, 320});
///     while (const auto frame = film.next()) ...
///
/// The stream is the caller's, who closes it.
class RawFrames {
 public:
  /// Errors: Error without a stream; ShapeError when a frame has no bytes.
  RawFrames(std::FILE* stream, ImageSize size, Index channels = 3) : stream_(stream), size_(size), channels_(channels) {
    if (stream == nullptr) fail("RawFrames: there is no stream");
    detail::check_size("RawFrames", size);
    if (channels < 1) fail<ShapeError>("RawFrames: ", channels, " channels");
  }

  /// The next frame; nothing at the end.
  /// Errors: LoadError when the stream ends within a frame or cannot be read.
  std::optional<Tensor<std::uint8_t>> next() {
    Tensor<std::uint8_t> frame = Tensor<std::uint8_t>::uninitialized({size_.height, size_.width, channels_});
    const auto wanted = static_cast<std::size_t>(frame.numel());
    const std::size_t got = std::fread(frame.data(), 1, wanted, stream_);
    if (std::ferror(stream_)) fail<LoadError>("RawFrames: frame ", position_, " cannot be read");
    if (got == 0) return std::nullopt;
    if (got < wanted)
      fail<LoadError>("RawFrames: the stream ends within frame ", position_, ": ", got, " of ", wanted, " bytes");
    ++position_;
    return frame;
  }

  /// The frames at these places, which do not fall; what lies between is read and dropped, one that is named twice is
  /// the same tensor. The first frame of the stream is number 0.
  /// Errors: IndexError when a place has gone by or lies beyond the end; else as next.
  std::vector<Tensor<std::uint8_t>> at(const std::vector<Index>& places) {
    std::vector<Tensor<std::uint8_t>> frames;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (i > 0 && places[i] == places[i - 1]) {
        frames.push_back(frames.back());
        continue;
      }
      if (places[i] < position_) fail<IndexError>("RawFrames: frame ", places[i], " has gone by, at ", position_);
      std::optional<Tensor<std::uint8_t>> frame;
      do {
        frame = next();
        if (!frame) fail<IndexError>("RawFrames: frame ", places[i], " of ", position_);
      } while (position_ <= places[i]);
      frames.push_back(*frame);
    }
    return frames;
  }

  /// How many frames have been read.
  Index position() const { return position_; }

 private:
  std::FILE* stream_;
  ImageSize size_;
  Index channels_, position_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI::data
