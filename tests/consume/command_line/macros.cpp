// Every header of gloss, after what the headers of other systems and libraries define. Each of these names stands for a
// character that no C++ source has, so that the compiler stops where gloss uses one as its own. (Headers of the
// standard library and of the system come first: they do not stand it either.)
#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <concepts>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numbers>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <ranges>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <Eigen/Core>
#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef __unix__
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

// windows.h and what it includes
#define small @
#define near @
#define far @
#define NEAR @
#define FAR @
#define huge @
#define hyper @
#define interface @
#define pascal @
#define PASCAL @
#define cdecl @
#define CDECL @
#define CALLBACK @
#define WINAPI @
#define IN @
#define OUT @
#define OPTIONAL @
#define CONST @
#define VOID @
#define TRUE @
#define FALSE @
#define ERROR @
#define NO_ERROR @
#define DELETE @
#define IGNORE @
#define INFINITE @
#define STRICT @
#define THIS @
#define ABSOLUTE @
#define RELATIVE @
#define ALTERNATE @
#define WINDING @
#define OPAQUE @
#define TRANSPARENT @
#define PASSTHROUGH @
#define UNALIGNED @
#define MAX_PATH @
#define RGB @
#define DIFFERENCE @
#define GetObject @
#define GetMessage @
#define SendMessage @
#define CreateWindow @
#define CreateFile @
#define DeleteFile @
#define DrawText @
#define LoadImage @
#define Yield @
#define min(a, b) @
#define max(a, b) @
// X11
#define None @
#define Always @
#define Success @
#define Status @
#define Bool @
#define True @
#define False @
#define Above @
#define Below @
#define Complex @
#define Convex @
#define Nonconvex @
#define Unsorted @
#define Expose @
#define KeyPress @
#define KeyRelease @
#define FocusIn @
#define FocusOut @
#define FontChange @
#define CursorShape @
#define ControlMask @
#define Button1 @
#define Opposite @
#define DestroyAll @
#define GrayScale @
#define PseudoColor @
#define BadValue @
#define InputOnly @
// compilers, C's complex.h, math.h, sys/sysmacros.h, sys/param.h, termios.h, syslog.h, curses.h
#undef unix
#undef linux
#undef i386
#define unix @
#define linux @
#define i386 @
#define I @
#define complex @
#define imaginary @
#define DOMAIN @
#define SING @
#define OVERFLOW @
#define UNDERFLOW @
#define PLOSS @
#define TLOSS @
#define HUGE @
#define PI @
#undef major
#undef minor
#define major(dev) @
#define minor(dev) @
#define makedev(a, b) @
#define MIN(a, b) @
#define MAX(a, b) @
#define howmany(x, y) @
#define roundup(x, y) @
#define B0 @
#define B50 @
#define ECHO @
#define CSIZE @
#define LOG_INFO @
#define LOG_DEBUG @
#define ERR @
#define OK @
#define KEY_EVENT @
#define COLOR_BLACK @
#define stdscr @
#define timeout(delay) @
#define refresh() @
// Qt, GLib, Objective-C, raylib, Arduino
#define signals @
#define slots @
#define emit @
#define foreach @
#define forever @
#define ABS(a) @
#define CLAMP(x, low, high) @
#define nil @
#define Nil @
#define YES @
#define NO @
#define BLACK @
#define WHITE @
#define RED @
#define HIGH @
#define LOW @
#define INPUT @
#define OUTPUT @
#define DEFAULT @
#define CHANGE @
#define EULER @
#define TWO_PI @
#define SERIAL @
#define DISPLAY @
#define sq(x) @
#define bit(b) @
#define constrain(x, low, high) @
#define radians(x) @
#define degrees(x) @
// logging and test libraries
#define CHECK(x) @
#define ASSERT(x) @
#define DCHECK(x) @
#define LOG(x) @
#define INFO @
#define WARNING @
#define FATAL @
#define DEBUG @
#define TEST(a, b) @

#include <gloss_every_header.hpp>

int main() {
  using namespace gloss;
  const Tensor<float> x = {{1, 2}, {3, 4}};
  std::printf("%g\n", static_cast<double>(sum(softmax(x, -1)).item()));
}
