// What a training has been through, read from its checkpoint.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gloss/train/checkpoint.hpp>
#include <gloss/train/fit_report.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// The epochs and validations that fit kept in a checkpoint, in order, for curves and reports.
/// Errors: LoadError when the file cannot be read or is no checkpoint of fit.
inline std::vector<Event> read_events(const std::string& path) {
  detail::EventList list;
  Checkpoint file;
  file.add("events", list);
  file.load(path);
  return std::move(list.events);
}

}  // namespace gloss::inline GLOSS_ABI::train
