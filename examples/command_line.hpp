// What the programs' command lines share: checks that CLI11 lacks, files that must not be lost, and the way out.
#pragma once

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace command_line {

/// Refuses nan and inf, which CLI11's ranges let pass.
inline const CLI::Validator finite_number(
    [](const std::string& text) {
      return std::isfinite(std::strtod(text.c_str(), nullptr)) ? "" : text + " is not a finite number";
    },
    "");

/// An option that is a number in a range, with its default shown.
template <class Number, class Bound>
void add_number(CLI::App& app, const std::string& names, Number& value, const char* text, Bound low, Bound high) {
  app.add_option(names, value, text)->check(finite_number)->check(CLI::Range(low, high))->capture_default_str();
}

/// --precision of what trains a model and --weights of what runs one; fewer_bits.hpp does what they say.
inline void add_precision(CLI::App& app, std::string& precision) {
  app.add_option("--precision", precision,
                 "Numbers that products are made of; bfloat16 is faster where the processor has instructions for it")
      ->check(CLI::IsMember({"float", "bfloat16"}))
      ->capture_default_str();
}
inline void add_weights(CLI::App& app, std::string& weights) {
  app.add_option(
         "--weights", weights,
         "Numbers that the weights of linear layers are kept as; fewer bits take less time and memory, and round; "
         "panels are float laid out for products, which takes less time")
      ->check(CLI::IsMember({"float", "panels", "bfloat16", "int8"}))
      ->capture_default_str();
}
inline void add_cache(CLI::App& app, std::string& cache) {
  app.add_option("--cache", cache,
                 "Numbers that keys and values of what was read are kept as; bfloat16 takes half the memory")
      ->check(CLI::IsMember({"float", "bfloat16"}))
      ->capture_default_str();
}

/// Errors: CLI::ValidationError when another option than those stands beside --resume.
inline void check_resume(const CLI::App& app, std::initializer_list<const char*> allowed) {
  for (const CLI::Option* option : app.get_options()) {
    bool is_allowed = option->count() == 0 || option->check_name("--resume");
    for (const char* name : allowed) is_allowed = is_allowed || option->check_name(name);
    if (!is_allowed) throw CLI::ValidationError(option->get_name(), "cannot be given with --resume");
  }
}

/// Errors: when a checkpoint would be lost. What is no regular file (/dev/null, a folder) has nothing to lose, or fails
/// by itself.
inline void spare_checkpoint(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error))
    throw std::runtime_error("train: " + path + " exists; --resume goes on with it, --force replaces it");
}

/// Errors: when a file would be written over one that is read, whatever their names (links, ./).
inline void keep_apart(const std::string& written, const std::string& read, const char* message) {
  std::error_code error;
  if (std::filesystem::is_regular_file(written, error) && std::filesystem::equivalent(written, read, error))
    throw std::runtime_error(written + ": " + message);
}

/// Parses, then runs; every error is one line on stderr. parsed() may throw CLI::ValidationError; run() returns the
/// exit status.
template <class Parsed, class Run>
int run(const char* program, CLI::App& app, int argc, char** argv, Parsed parsed, Run run) {
  app.failure_message([program](const CLI::App*, const CLI::Error& error) {
    return std::string(program) + ": " + error.what() + " (--help tells more)\n";
  });
  try {
    app.parse(argc, argv);
    parsed();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    errno = 0;
    const int status = run();
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      const int cause = errno ? errno : EIO;
      throw std::system_error(cause, std::generic_category(), "standard output");
    }
    return status;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 1;
  }
}

}  // namespace command_line
