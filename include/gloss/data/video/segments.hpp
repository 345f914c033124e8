// Which frames of a video a model sees
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/core/rng.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Of segment_frames.
struct SegmentOptions {
  Index segments = 8;  ///< equal parts of the video, of each of which one snippet is taken
  Index length = 1;    ///< frames of a snippet
  Index stride = 1;    ///< from one frame of a snippet to the next
};

namespace detail {

/// How many frames a snippet may begin at, at least one.
GLOSS_LAZY Index snippet_starts(Index frames, const SegmentOptions& options) {
  if (frames < 1) fail("segment_frames: a video of ", frames, " frames");
  if (options.segments < 1 || options.length < 1 || options.stride < 1)
    fail("segment_frames: ", options.segments, " segments of ", options.length, " frames, ", options.stride, " apart");
  return (std::max)(frames - (options.length - 1) * options.stride, Index{1});
}

/// The frames of snippets with these beginnings; what is beyond the end is the last frame.
inline std::vector<Index> frames_of_snippets(const std::vector<Index>& starts, Index frames,
                                             const SegmentOptions& options) {
  std::vector<Index> found;
  for (const Index start : starts)
    for (Index i = 0; i < options.length; ++i) found.push_back((std::min)(start + i * options.stride, frames - 1));
  return found;
}

}  // namespace detail

/// The frames to train with: of each segment a snippet at random. A video of fewer frames than segments gives each of
/// its frames, and some twice, in order.
/// Errors: Error when there are no frames, or an option is below 1.
/// Source: Wang et al. 2016, "Temporal segment networks".
GLOSS_LAZY std::vector<Index> segment_frames(Index frames, const SegmentOptions& options, Rng& rng) {
  const Index starts = detail::snippet_starts(frames, options), each = starts / options.segments;
  std::vector<Index> drawn;
  for (Index i = 0; i < options.segments; ++i) {
    const Index wide = each > 0 ? each : starts;
    drawn.push_back(each > 0 || i >= starts ? Index{rng.below(static_cast<std::uint32_t>(wide))} + i * each : i);
  }
  std::sort(drawn.begin(), drawn.end());
  return detail::frames_of_snippets(drawn, frames, options);
}

/// The frames to test with: of each segment the snippet in the middle.
/// Errors: as segment_frames.
GLOSS_LAZY std::vector<Index> segment_centers(Index frames, const SegmentOptions& options) {
  const Index starts = detail::snippet_starts(frames, options);
  std::vector<Index> centers;
  for (Index i = 0; i < options.segments; ++i) centers.push_back((2 * i + 1) * starts / (2 * options.segments));
  return detail::frames_of_snippets(centers, frames, options);
}

}  // namespace gloss::inline GLOSS_ABI::data
