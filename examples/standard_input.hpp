// Lines that a user types or a program sends.
#pragma once

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <system_error>

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

/// Whether somebody types them.
inline bool standard_input_is_terminal() {
#ifdef _WIN32
  return _isatty(_fileno(stdin)) != 0;
#else
  return isatty(fileno(stdin)) != 0;
#endif
}

/// The next line of standard input, without its end; false after the last. Errors: when it cannot be read.
inline bool read_line(std::string& line) {
  line.clear();
  errno = 0;
  int c = 0;
  while ((c = std::getc(stdin)) != EOF && c != '\n') line += static_cast<char>(c);
  if (std::ferror(stdin)) throw std::runtime_error("standard input: " + std::generic_category().message(errno));
  const bool is_line = c == '\n' || !line.empty();
  if (line.ends_with('\r')) line.pop_back();
  return is_line;
}

/// Calls f(line, number) for each line of standard input, from 1; where somebody types them, with a prompt before each.
template <class F>
void for_each_line(const char* greeting, F f) {
  const bool interactive = standard_input_is_terminal();
  if (interactive) std::printf("%s; end with Ctrl-D.\n", greeting);
  std::string line;
  for (long long number = 1;; ++number) {
    if (interactive) {
      std::printf("> ");
      std::fflush(stdout);
    }
    if (!read_line(line)) return;
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // a byte order mark
    f(line, number);
  }
}
