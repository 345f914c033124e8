#include <support/catch.hpp>

#include <functional>

#include <gloss/train/event.hpp>
#include <gloss/train/progress.hpp>
#include <gloss/train/progress_log.hpp>

using namespace gloss;
using train::Progress;
using train::ProgressStyle;

namespace {

struct Screen {
  std::string text;
  double time = 100;

  train::ProgressOptions options(ProgressStyle style, Index total = 200) {
    return {.title = "epoch 1/8",
            .total = total,
            .write = [this](std::string_view part) { text += part; },
            .style = style,
            .width = 100,
            .color = false,
            .unicode = false,
            .seconds = [this] { return time; }};
  }
};

}  // namespace

TEST_CASE("Progress: on a pipe, a line every few seconds and one at the end") {
  Screen screen;
  Progress line(screen.options(ProgressStyle::automatic));
  for (Index step = 1; step <= 200; ++step) {
    screen.time += 0.125;
    line.update(step, {.loss = 5 - 0.01 * static_cast<double>(step), .tokens = step * 1600});
  }
  line.finish();
  CHECK(screen.text ==
        "epoch 1/8   20%   40/200  loss 4.600  12,800 tokens/s  0:20 left\n"
        "epoch 1/8   40%   80/200  loss 4.200  12,800 tokens/s  0:15 left\n"
        "epoch 1/8   60%  120/200  loss 3.800  12,800 tokens/s  0:10 left\n"
        "epoch 1/8   80%  160/200  loss 3.400  12,800 tokens/s  0:05 left\n"
        "epoch 1/8  100%  200/200  loss 3.000  12,800 tokens/s  in 0:25\n");
}

TEST_CASE("Progress: on a terminal, one line redrawn in place") {
  Screen screen;
  Progress line(screen.options(ProgressStyle::bar));
  line.update(0);
  screen.time += 0.01;
  line.update(1);  // too soon to draw
  screen.time += 30;
  line.update(50, {.loss = 3.25, .tokens = 30010});
  line.message("saved");
  screen.time += 0.5;
  line.finish();
  CHECK(screen.text ==
        "\repoch 1/8  ........................................    0%    0/200\x1b[K"
        "\repoch 1/8  ########-.........................   25%   50/200  loss 3.250  1,000 tokens/s  1:30 left\x1b[K"
        "\r\x1b[Ksaved\n"
        "\repoch 1/8  ########-.........................   25%   50/200  loss 3.250  1,000 tokens/s  1:30 left\x1b[K"
        "\repoch 1/8  ########-.........................   25%   50/200  loss 3.250  984 tokens/s  in 0:31\x1b[K\n");
}

TEST_CASE("Progress: never wider than the terminal") {
  for (int width = 2; width < 90; ++width) {
    Screen screen;
    auto options = screen.options(ProgressStyle::bar);
    options.width = width;
    options.title = "";
    Progress line(options);
    screen.time += 7;
    line.update(50, {.loss = 3.25, .tokens = 30010});
    CHECK(screen.text.size() <= static_cast<std::size_t>(width) - 1 + 4);  // "\r" and "\x1b[K"
  }
}

TEST_CASE("Progress: a resumed run is timed from where it went on") {
  Screen screen;
  auto options = screen.options(ProgressStyle::lines, 100);
  options.first = 80;
  Progress line(options);
  screen.time += 10;
  line.update(90, {.tokens = 1000});
  CHECK(screen.text == "epoch 1/8   90%   90/100  100 tokens/s  0:10 left\n");
}

TEST_CASE("Progress: without a total it counts") {
  Screen screen;
  Progress line(screen.options(ProgressStyle::lines, 0));
  screen.time += 10;
  line.update(90);
  line.finish();
  CHECK(screen.text == "epoch 1/8  90\nepoch 1/8  90  in 0:10\n");
}

TEST_CASE("Progress: numbers and times as people write them") {
  CHECK(train::with_thousands(0) == "0");
  CHECK(train::with_thousands(999) == "999");
  CHECK(train::with_thousands(1000) == "1,000");
  CHECK(train::with_thousands(-1234567) == "-1,234,567");
  CHECK(train::with_thousands(-123) == "-123");
  CHECK(train::format_duration(6.6) == "0:07");
  CHECK(train::format_duration(754) == "12:34");
  CHECK(train::format_duration(3723) == "1:02:03");
  CHECK(train::format_duration(-1) == "0:00");
  CHECK(train::format_duration(std::nan("")) == "0:00");
  CHECK(train::format_duration(1e300) == "10000:00:00");
}

TEST_CASE("Progress: any numbers by their names, any unit, a title that changes") {
  Screen screen;
  auto options = screen.options(ProgressStyle::lines);
  options.unit = "images";
  Progress line(options);
  screen.time += 10;
  line.title("epoch 2/8");
  line.update(50, {.loss = 0.5, .tokens = 640, .metrics = {{"accuracy", 0.89214}, {"lr", 0.0003}}});
  line.finish();
  CHECK(screen.text ==
        "epoch 2/8   25%   50/200  loss 0.500  accuracy 0.8921  lr 0.0003  64 images/s  0:30 left\n"
        "epoch 2/8   25%   50/200  loss 0.500  accuracy 0.8921  lr 0.0003  64 images/s  in 0:10\n");
  CHECK(train::scalars_text({}) == "");
}

TEST_CASE("ProgressLog: events of a training as one bar, with a line for each epoch and validation") {
  Screen screen;
  train::ProgressOptions options = screen.options(ProgressStyle::lines, 0);
  options.title = "digits";
  options.unit = "images";
  train::ProgressLog bar(options);
  const train::Logger logger = std::ref(bar);
  for (Index step = 101; step <= 120; ++step) {
    logger({.phase = "train",
            .step = step,
            .epoch = (step - 1) / 10,
            .values = {{"loss", 0.5}},
            .steps = 200,
            .items = 32.0 * static_cast<double>(step)});
    if (step % 10 == 0)
      logger({.phase = "epoch", .step = step, .epoch = step / 10, .values = {{"loss", 0.25}}, .steps = 200});
    screen.time += 0.5;
  }
  logger({.phase = "validation", .step = 120, .values = {{"loss", 0.3}, {"accuracy", 0.9}}, .steps = 200});
  bar.finish();
  CHECK(screen.text ==
        "  epoch 11: loss 0.25\n"
        "digits  epoch 12   55%  111/200  loss 0.5  64 images/s  0:45 left\n"
        "  epoch 12: loss 0.25\n"
        "  validation: loss 0.3  accuracy 0.9\n"
        "digits  epoch 12   60%  120/200  loss 0.5  61 images/s  in 0:10\n");
  bar.finish();  // nothing more to end
}

TEST_CASE("ProgressLog: a bar stays below the lines") {
  Screen screen;
  train::ProgressLog bar(screen.options(ProgressStyle::bar));
  bar({.phase = "train", .step = 1, .values = {{"loss", 0.5}}, .steps = 4});
  bar({.phase = "validation", .step = 1, .values = {{"loss", 0.3}}, .steps = 4});
  CHECK(screen.text.ends_with(
      "\r\x1b[K  validation: loss 0.3\n"
      "\repoch 1/8  epoch 1  ##########..............................   25%  1/4  loss 0.5\x1b[K"));
}
