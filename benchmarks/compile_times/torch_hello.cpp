// PyTorch's C++ counterpart of tests/consume/hello.cpp, for scripts/compile_times.sh.
#include <cstdio>

#include <torch/torch.h>

int main() {
  torch::Tensor x = torch::arange(1, 7, torch::kFloat).view({2, 3});
  torch::Tensor w = torch::full({3, 4}, 0.5f, torch::requires_grad());
  torch::Tensor p = torch::softmax(torch::matmul(x, w), -1);
  (p * p).sum().backward();
  std::printf("p[0] is %g, the gradient has %d axes\n", double(p[0][0].item<float>()), int(w.grad().dim()));
}
