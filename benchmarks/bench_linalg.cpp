// gloss::linalg on 1,000 matrices of 32 x 32 floats, forward without a graph. benchmarks/peers/linalg.py times PyTorch
// on the same cases. What comes out is first put together again and compared with what went in.
#include <cmath>
#include <functional>
#include <string>

#include <benchmark/benchmark.h>

#include <gloss/linalg.hpp>

#include "median.hpp"

using namespace gloss;

namespace {

using F = Tensor<float>;

constexpr Index count = 1000, n = 32;

bool near(const F& have, const F& want) {
  const F error = have - want;
  return amax(abs(error)).item() <= 1e-3f * amax(abs(want)).item();
}

/// run() is timed when is_right() holds.
void add(const char* name, std::function<void()> run, std::function<bool()> is_right) {
  benchmark::RegisterBenchmark(name,
                               [run = std::move(run), is_right = std::move(is_right)](benchmark::State& state) {
                                 const NoGradGuard no_grad;
                                 if (!is_right()) return state.SkipWithError("a wrong result");
                                 bench::time_calls(state, run);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  manual_seed(1);
  const F a = randn<float>({count, n, n}) + eye<float>(n) * n, b = randn<float>({count, n, 1}), one = eye<float>(n);
  const F at = a.transpose(1, 2), spd = matmul(a, at) / n, symmetric = a + at;
  const F wanted = one.expand(a.shape());
  add(
      "solve", [=] { linalg::solve(a, b); }, [=] { return near(matmul(a, linalg::solve(a, b)), b); });
  add(
      "inv", [=] { linalg::inv(a); }, [=] { return near(matmul(a, linalg::inv(a)), wanted); });
  add(
      "cholesky", [=] { linalg::cholesky(spd); },
      [=] {
        const F l = linalg::cholesky(spd);
        return near(matmul(l, l.transpose(1, 2)), spd);
      });
  add(
      "qr", [=] { linalg::qr(a); },
      [=] {
        const auto [q, r] = linalg::qr(a);
        return near(matmul(q, r), a) && near(matmul(q.transpose(1, 2), q), wanted);
      });
  add(
      "eigh", [=] { linalg::eigh(symmetric); },
      [=] {
        const auto [w, v] = linalg::eigh(symmetric);
        return near(matmul(v * w.unsqueeze(-2), v.transpose(1, 2)), symmetric);
      });
  add(
      "svd", [=] { linalg::svd(a); },
      [=] {
        const auto [u, s, vh] = linalg::svd(a);
        return near(matmul(u * s.unsqueeze(-2), vh), a);
      });
  benchmark::RunSpecifiedBenchmarks();
}
