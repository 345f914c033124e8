// Rows and columns paired at least cost
#pragma once

#include <limits>
#include <utility>
#include <vector>

#include <gloss/tensor/factories.hpp>

namespace gloss::inline GLOSS_ABI {

/// Row rows[k] is paired with column columns[k]; rows ascend.
struct Assignment {
  Tensor<std::int64_t> rows, columns;
};

namespace detail {

/// The column of each row of a matrix with no more rows than columns. One row after another finds the cheapest path
/// through pairs that are there already to a free column; u and v are what rows and columns have paid for so far.
/// Errors: Error when rows are left that only infinite costs could pair.
GLOSS_LAZY std::vector<Index> cheapest_columns(const std::vector<double>& cost, std::size_t rows, std::size_t columns) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr Index none = -1;
  std::vector<double> u(rows, 0), v(columns, 0), path_cost(columns);
  std::vector<Index> column_of(rows, none), row_of(columns, none), row_before(columns);
  std::vector<std::size_t> open(columns), seen_columns;
  for (std::size_t start = 0; start < rows; ++start) {
    for (std::size_t j = 0; j < columns; ++j) open[j] = columns - 1 - j, path_cost[j] = infinity;
    std::size_t left = columns, row = start, sink = columns;
    double paid = 0;
    seen_columns.clear();
    while (sink == columns) {
      double least = infinity;
      std::size_t best = 0;
      for (std::size_t k = 0; k < left; ++k) {
        const std::size_t j = open[k];
        const double along = paid + cost[row * columns + j] - u[row] - v[j];
        if (along < path_cost[j]) {
          path_cost[j] = along;
          row_before[j] = static_cast<Index>(row);
        }
        if (path_cost[j] < least || (path_cost[j] == least && row_of[j] == none)) {
          least = path_cost[j];
          best = k;
        }
      }
      if (least == infinity) fail("linear_sum_assignment: infinite costs leave row ", start, " without a column");
      paid = least;
      const std::size_t j = open[best];
      seen_columns.push_back(j);
      open[best] = open[--left];
      if (row_of[j] == none)
        sink = j;
      else
        row = static_cast<std::size_t>(row_of[j]);
    }
    u[start] += paid;
    for (const std::size_t j : seen_columns) {
      const double rest = paid - path_cost[j];
      v[j] -= rest;
      if (row_of[j] != none) u[static_cast<std::size_t>(row_of[j])] += rest;
    }
    for (std::size_t j = sink;;) {
      const auto from = static_cast<std::size_t>(row_before[j]);
      row_of[j] = row_before[j];
      const Index given_up = std::exchange(column_of[from], static_cast<Index>(j));
      if (from == start) break;
      j = static_cast<std::size_t>(given_up);
    }
  }
  return column_of;
}

}  // namespace detail

/// Pairs of rows and columns, each in at most one and as many as there can be, whose costs have the least sum, or with
/// `maximize` the largest. Infinite costs forbid a pair. No gradient flows.
/// Shape: cost [n, m] -> min(n, m) pairs
/// Errors: ShapeError when cost is no matrix, Error for NaN, a cost of -infinity (infinity to be maximized), or costs
/// that forbid every assignment.
/// Source: Crouse 2016, "On implementing 2D rectangular assignment algorithms", after Jonker and Volgenant 1987.
/// PyTorch: scipy.optimize.linear_sum_assignment
template <Real T>
Assignment linear_sum_assignment(const Tensor<T>& cost, bool maximize = false) {
  if (cost.dim() != 2) fail<ShapeError>("linear_sum_assignment: cost is a matrix, not of shape ", cost.shape());
  const bool turned = cost.size(0) > cost.size(1);
  const Tensor<T> wide = (turned ? cost.t() : cost).detach().contiguous();
  const Index rows = wide.size(0), columns = wide.size(1);
  std::vector<double> costs(static_cast<std::size_t>(wide.numel()));
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const auto c = static_cast<double>(wide.data()[i]);
    costs[i] = maximize ? -c : c;
    if (!(costs[i] > -std::numeric_limits<double>::infinity()))
      fail("linear_sum_assignment: the cost ", c, " cannot be summed");
  }
  const std::vector<Index> column_of =
      detail::cheapest_columns(costs, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns));
  Assignment pairs{empty<std::int64_t>({rows}), empty<std::int64_t>({rows})};
  if (!turned) {
    for (Index i = 0; i < rows; ++i) {
      pairs.rows.data()[i] = i;
      pairs.columns.data()[i] = column_of[static_cast<std::size_t>(i)];
    }
    return pairs;
  }
  std::vector<Index> row_of(static_cast<std::size_t>(columns), -1);
  for (Index i = 0; i < rows; ++i) row_of[static_cast<std::size_t>(column_of[static_cast<std::size_t>(i)])] = i;
  for (Index j = 0, k = 0; j < columns; ++j) {
    if (row_of[static_cast<std::size_t>(j)] < 0) continue;
    pairs.rows.data()[k] = j;
    pairs.columns.data()[k++] = row_of[static_cast<std::size_t>(j)];
  }
  return pairs;
}

}  // namespace gloss::inline GLOSS_ABI
