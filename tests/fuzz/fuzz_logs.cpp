// A log of a training as CSV: what is read can be written and read again, and shown, whatever names and numbers it has.
#include <gloss/train/curves.hpp>
#include <gloss/train/history.hpp>
#include <gloss/train/log_files.hpp>

#include "fuzz/target.hpp"
#include "support/xml.hpp"

using namespace gloss;

void gloss_fuzz::run(std::string_view bytes) {
  train::History history(8);
  std::vector<train::Event> events;
  try {
    train::detail::replay_csv(bytes, "f", [&](const train::Event& event) {
      history(event);
      events.push_back(event);
    });
  } catch (const Error&) {
  }
  require_of([&] {
    for (const std::string& name : history.names())
      for (const bool log_y : {false, true}) {
        std::vector<train::Curve> curves = history.curves(name);
        if (!gloss_test::is_well_formed(train::render_curves_svg({.curves = curves, .title = name, .log_y = log_y})))
          return false;
        for (train::Curve& curve : curves) curve.name.clear();
        const std::string svg = train::render_curves_svg({.curves = curves, .log_y = log_y});
        for (const char* place : {"\"nan", "Mnan", "Lnan", "nan ", "inf "})
          if (svg.find(place) != std::string::npos) return false;
      }
    return true;
  });
  require_of([&] {
    for (const train::Event& event : events)
      for (const std::string& name : {event.phase, event.values.empty() ? "" : event.values[0].first}) {
        const std::string field = "x," + train::detail::csv_field(name);
        std::vector<std::string> read;
        data::detail::CsvReader(field, "own", {}).read(read);
        if (read.size() != 2 || read[1] != train::detail::csv_column(name)) return false;
      }
    return true;
  });
  const train::Event first{.phase = "train", .step = 3};
  const auto place = [](std::string_view line) -> std::optional<std::pair<Index, bool>> {
    const auto step = train::detail::read_step(line);
    if (!step) return {};
    return std::pair(*step, true);
  };
  require_of([&] { return bytes.starts_with(train::detail::log_before(bytes, true, first, place)); });
}
