// When to wait for a better value no longer
#include <cmath>

#include <gloss/train/early_stopping.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("EarlyStopping: it is over with the last of `patience` values in a row that are not better") {
  train::EarlyStopping stopping({.patience = 2});
  CHECK(std::isinf(stopping.best()));
  CHECK(stopping.step(3));
  CHECK_FALSE(stopping.step(3.5));
  CHECK_FALSE(stopping.should_stop());
  CHECK(stopping.step(2));  // waits anew
  CHECK(stopping.is_best());
  CHECK_FALSE(stopping.step(2));  // as good is not better
  CHECK_FALSE(stopping.is_best());
  CHECK_FALSE(stopping.should_stop());
  CHECK_FALSE(stopping.step(std::nan("")));
  CHECK(stopping.should_stop());
  CHECK(stopping.best() == 2);
}

TEST_CASE("EarlyStopping: more is better, by min_delta; without patience it never stops") {
  train::EarlyStopping stopping({.patience = 1, .min_delta = 0.1, .maximize = true});
  CHECK(stopping.step(0.5));
  CHECK(stopping.step(0.625));
  CHECK_FALSE(stopping.step(0.7));
  CHECK(stopping.should_stop());
  train::EarlyStopping forever({.patience = 0});
  for (int i = 0; i < 100; ++i) forever.step(i);
  CHECK_FALSE(forever.should_stop());
}

TEST_CASE("EarlyStopping: its state goes on") {
  train::EarlyStopping stopping({.patience = 3}), other({.patience = 3});
  stopping.step(2);
  stopping.step(4);
  other.load_state(stopping.state());
  CHECK(other.best() == 2);
  CHECK_FALSE(other.is_best());
  other.step(3);
  CHECK_FALSE(other.should_stop());
  other.step(3);
  CHECK(other.should_stop());
  CHECK_ERROR(
      other.load_state({{"best", scalar<double>(1)}, {"waited", scalar<double>(0.5)}, {"is_best", scalar<double>(0)}}),
      LoadError, "load_state: waited is 0.5, which is no count");
  CHECK(other.best() == 2);
  CHECK_ERROR(other.load_state({}), LoadError, "load_state: best is missing");
}

TEST_CASE("EarlyStopping: options that make no sense") {
  CHECK_ERROR(train::EarlyStopping({.patience = -1}), Error, "EarlyStopping: patience -1 is negative");
  CHECK_ERROR(train::EarlyStopping({.min_delta = std::nan("")}), Error,
              "EarlyStopping: min_delta nan is not a finite number of at least 0");
}
