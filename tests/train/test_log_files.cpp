// Logs as CSV and as JSON lines.
#include <gloss/train/log_files.hpp>
#include <gloss/train/number_text.hpp>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using train::CsvLog;
using train::Event;
using train::JsonLog;

namespace {

const double inf = std::numeric_limits<double>::infinity();

Event event(const std::string& phase, Index step, train::Scalars values) {
  return {.phase = phase,
          .step = step,
          .epoch = step / 10,
          .values = std::move(values),
          .seconds = 0.5 * static_cast<double>(step),
          .items = 32.0 * static_cast<double>(step)};
}

}  // namespace

TEST_CASE("CsvLog: a line for each event, a column for each name") {
  const TempFolder folder;
  const std::string path = folder.file("log.csv");
  CsvLog log(path);
  CHECK(read_file(path).empty());
  const train::Logger logger = std::ref(log);
  logger(event("train", 1, {{"loss", 0.1}, {"lr", 1e-7}}));
  logger(event("train", 20, {{"loss", std::nan("")}, {"lr", -inf}}));
  CHECK(read_file(path) ==
        "step,epoch,phase,seconds,items,loss,lr\n"
        "1,0,train,0.5,32,0.1,1e-07\n"
        "20,2,train,10,640,nan,-inf\n");
  logger(event("validation", 20, {{"accuracy", 0.75}, {"loss", 2}}));  // a new name: one more column for all
  logger(event("epoch", 21, {}));
  CHECK(read_file(path) ==
        "step,epoch,phase,seconds,items,loss,lr,accuracy\n"
        "1,0,train,0.5,32,0.1,1e-07,\n"
        "20,2,train,10,640,nan,-inf,\n"
        "20,2,validation,10,640,2,,0.75\n"
        "21,2,epoch,10.5,672,,,\n");
}

TEST_CASE("CsvLog: names of any bytes stay one field of one line") {
  const TempFolder folder;
  const std::string path = folder.file("log.csv"), name = "top-1, \"best\"\r\n\xff";
  CsvLog{path}(event("a,b", 1, {{name, 1}}));
  const std::string header = "step,epoch,phase,seconds,items,\"top-1, \"\"best\"\"  \xEF\xBF\xBD\"\n";
  CHECK(read_file(path) == header + "1,0,\"a,b\",0.5,32,1\n");
  CsvLog again(path, {.resume = true});
  again(event("train", 2, {{name, 2}}));
  CHECK(read_file(path) == header + "1,0,\"a,b\",0.5,32,1\n2,0,train,1,64,2\n");
}

TEST_CASE("CsvLog and JsonLog: a run that goes on leaves no line twice, and none that was cut short") {
  const TempFolder folder;
  const std::string csv = folder.file("log.csv"), json = folder.file("log.jsonl");
  const auto run = [&](Index from, Index to, bool resume) {
    CsvLog csv_log(csv, {.resume = resume});
    JsonLog json_log(json, {.resume = resume});
    const auto log = [&](const Event& e) { csv_log(e), json_log(e); };
    for (Index step = from; step <= to; ++step) {
      log(event("train", step, {{"loss", 1.0 / static_cast<double>(step)}}));
      if (step % 3 == 0) log(event("validation", step, {{"loss", 2}, {"accuracy", 0.5}}));
    }
  };
  run(1, 9, false);
  const std::string whole_csv = read_file(csv), whole_json = read_file(json);
  const auto is_whole = [&] { return read_file(csv) == whole_csv && read_file(json) == whole_json; };
  for (const Index last : {3, 4, 6})
    for (std::size_t cut = 0; cut < 36; cut += 5) {
      run(1, 7, false);  // stopped in step 8, in the middle of a line
      for (const std::string& path : {csv, json}) {
        const std::string bytes = read_file(path);
        folder.write(std::filesystem::path(path).filename().string(), bytes.substr(0, bytes.size() - cut));
      }
      run(last + 1, 9, true);  // the last checkpoint is of this step
      CHECK(is_whole());
    }
  run(1, 9, true);  // from the beginning
  CHECK(is_whole());
  CsvLog(csv,
         {.resume = true})(event("validation", 6, {{"loss", 2}, {"accuracy", 0.5}}));  // between the lines of a step
  CHECK(read_file(csv) == whole_csv.substr(0, whole_csv.find("7,0,train")));
  { const CsvLog unused(csv, {.resume = true}); }
  CHECK(read_file(csv) == whole_csv.substr(0, whole_csv.find("7,0,train")));
  std::filesystem::remove(csv);
  std::filesystem::remove(json);
  run(1, 9, true);  // the logs were lost: they begin anew
  CHECK(is_whole());
}

TEST_CASE("CsvLog: does not go on with a file that is something else") {
  const TempFolder folder;
  const std::string path = folder.write("data.csv", "name,age\nx,1\n");
  CHECK_ERROR(CsvLog(path, {.resume = true})(event("train", 3, {})), LoadError,
              "CsvLog: " + path +
                  ": not a log of a training: the header does not begin with "
                  "step,epoch,phase,seconds,items");
  CHECK(read_file(path) == "name,age\nx,1\n");
}

TEST_CASE("replay_csv_log: gives the events back") {
  const TempFolder folder;
  const std::string path = folder.file("log.csv");
  CsvLog log(path);
  const std::vector<Event> events = {event("train", 1, {{"loss", 0.1}, {"a,\"b\"", -inf}}),
                                     event("validation", 9007199254740991, {{"accuracy", 1.0 / 3}, {"loss", 5e-324}}),
                                     event("epoch", 20, {})};
  for (const Event& e : events) log(e);
  std::vector<Event> read;
  train::replay_csv_log(path, [&](const Event& e) { read.push_back(e); });
  REQUIRE(read.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(read[i].phase == events[i].phase);
    CHECK(read[i].step == events[i].step);
    CHECK(read[i].epoch == events[i].epoch);
    CHECK(read[i].seconds == events[i].seconds);
    CHECK(read[i].items == events[i].items);
    for (const auto& [name, value] : events[i].values) {
      REQUIRE(read[i].find(name));
      CHECK(*read[i].find(name) == value);
    }
    CHECK(read[i].values.size() == events[i].values.size());
  }
  log(event("train", 21, {{"loss", std::nan("")}}));
  train::replay_csv_log(path, [&](const Event& e) { read.push_back(e); });
  CHECK(std::isnan(*read.back().find("loss")));
}

TEST_CASE("replay_csv_log: names the line that is wrong") {
  const TempFolder folder;
  const auto replay = [&](const std::string& bytes) {
    train::replay_csv_log(folder.write("log.csv", bytes), [](const Event&) {});
  };
  const std::string where = "replay_csv_log: " + folder.file("log.csv"),
                    header = "step,epoch,phase,seconds,items,loss\n";
  replay(header);
  CHECK_ERROR(replay(""), LoadError, where + ":1: the header does not begin with step,epoch,phase,seconds,items");
  CHECK_ERROR(replay("step,epoch\n"), LoadError,
              where + ":1: the header does not begin with step,epoch,phase,seconds,items");
  CHECK_ERROR(replay(header + "1,0,train,1,1,1\n2,0,train\n"), LoadError, where + ":3: 3 fields, the header has 6");
  CHECK_ERROR(replay(header + "1,0,train,1,1,1x\n"), LoadError, where + ":2: '1x' is not a number");
  CHECK_ERROR(replay(header + "1,0,train,1,,1\n"), LoadError, where + ":2: '' is not a number");
  CHECK_ERROR(replay(header + "1,-1,train,1,1,1\n"), LoadError, where + ":2: '-1' counts nothing");
  CHECK_ERROR(replay(header + "1e300,0,train,1,1,1\n"), LoadError, where + ":2: '1e300' counts nothing");
  CHECK_THROWS_AS(train::replay_csv_log("/no/such/log.csv", [](const Event&) {}), LoadError);
}

TEST_CASE("JsonLog: a JSON object for each event, whatever the names") {
  const TempFolder folder;
  const std::string path = folder.file("log.jsonl");
  JsonLog log(path);
  log(event("train", 1, {{"loss", 0.1}, {"a \"b\"\\\n\xff", -2.5}}));
  log(event("train", 2, {{"loss", std::nan("")}, {"bound", inf}}));
  CHECK(read_file(path) ==
        "{\"step\":1,\"epoch\":0,\"phase\":\"train\",\"seconds\":0.5,\"items\":32,\"loss\":0.1,"
        "\"a \\\"b\\\"\\\\\\u000a\xEF\xBF\xBD\":-2.5}\n"
        "{\"step\":2,\"epoch\":0,\"phase\":\"train\",\"seconds\":1,\"items\":64,\"loss\":null,\"bound\":null}\n");
}

TEST_CASE("CsvLog and JsonLog: errors name the file and the cause") {
  const TempFolder folder;
  CHECK_ERROR(CsvLog(folder.file("log.csv"))(event("train", 1, {{"step", 1}})), Error,
              "CsvLog: a value is called 'step', which every line has already");
  CHECK_ERROR(JsonLog(folder.file("log.jsonl"))(event("train", 1, {{"items", 1}})), Error,
              "JsonLog: a value is called 'items', which every line has already");
  CHECK_ERROR(CsvLog("/no/such/folder/log.csv"), Error,
              "write_file_atomically: /no/such/folder/log.csv: No such file or directory");
  if (!std::filesystem::exists("/dev/full")) return;
  CHECK_ERROR(CsvLog("/dev/full")(event("train", 1, {{"loss", 1}})), Error,
              "append to a file: /dev/full: No space left on device");
  CHECK_ERROR(JsonLog("/dev/full")(event("train", 1, {{"loss", 1}})), Error,
              "append to a file: /dev/full: No space left on device");
}

TEST_CASE("short_number and exact_number: for people, and for programs") {
  CHECK(train::short_number(0.89214) == "0.8921");
  CHECK(train::short_number(0.0003) == "0.0003");
  CHECK(train::short_number(12345.6) == "12346");
  CHECK(train::short_number(999.96) == "1000");
  CHECK(train::short_number(1.5e-7) == "1.5e-07");
  CHECK(train::short_number(-2e12) == "-2e+12");
  CHECK(train::short_number(0) == "0");
  CHECK(train::short_number(-0.0) == "0");
  CHECK(train::short_number(-std::nan("")) == "nan");
  CHECK(train::short_number(inf) == "inf");
  CHECK(train::exact_number(0.1) == "0.1");
  CHECK(train::exact_number(1.0 / 3) == "0.3333333333333333");
  CHECK(train::exact_number(-std::nan("")) == "nan");
}
