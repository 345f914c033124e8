// Tensors: how they are made, read in other ways, and computed with.
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>

using namespace gloss;

int main() {
  // The element type is part of the type; the shape is known at run time.
  const Tensor<float> a = {{1, 2, 3}, {4, 5, 6}};
  std::cout << "a has shape " << a.shape() << " and " << a.numel() << " elements:\n" << a << "\n\n";

  // zeros, ones, full, arange, rand, randn and from_vector make tensors too. Random ones draw from the current stream:
  // the same seed gives the same numbers, on any number of threads.
  manual_seed(1);
  const Tensor<double> r = rand<double>({2, 3});
  manual_seed(1);
  std::cout << "drawn twice from one seed, the largest difference is " << max(abs(r - rand<double>({2, 3}))) << "\n\n";

  // A Tensor is a handle: copying it shares the numbers, clone() copies them.
  Tensor<float> x = zeros<float>({3});
  const Tensor<float> shared = x, copied = x.clone();
  x.fill_(7);
  std::cout << "after x.fill_(7), shared is " << shared << " and copied is " << copied << "\n\n";

  // What only reads the same memory in another way is a member function, and copies nothing: a view.
  const Tensor<std::int64_t> n = arange<std::int64_t>(12).view({3, 4});
  std::cout << "n:\n" << n << "\n";
  std::cout << "n.transpose(0, 1), strides " << n.transpose(0, 1).strides() << ":\n" << n.transpose(0, 1) << "\n";
  std::cout << "row 1: " << n[1] << ", last column: " << n.select(1, -1) << "\n";
  std::cout << "every second column:\n" << n.slice(1, 0, 4, 2) << "\n";
  n.slice(1, 0, 4, 2).fill_(0);  // writes through to n
  std::cout << "n after those were set to 0:\n" << n << "\n\n";

  // What computes is a free function or an operator. Shapes broadcast: they are aligned at the last axis, and an axis
  // of size 1 stretches.
  const Tensor<float> row = {10, 20, 30}, column = Tensor<float>{100, 200}.unsqueeze(1);
  std::cout << "a + row:\n" << a + row << "\n";
  std::cout << "a + column * 2:\n" << a + column * 2 << "\n\n";

  // Reductions take the axes that shall go; none means all. keepdim leaves them there with size 1.
  std::cout << "sum of a: " << sum(a) << ", means of its columns: " << mean(a, 0) << "\n";
  std::cout << "a without its rows' means:\n" << a - mean(a, -1, {.keepdim = true}) << "\n";
  const auto best = max(a, 1);
  std::cout << "largest of each row: " << best.values << " at " << best.indices << "\n\n";

  // Products work on matrices and on batches of them; softmax takes the axis along which it sums to one.
  std::cout << "a a^T:\n" << matmul(a, a.mT()) << "\n";
  std::cout << "softmax of the rows of a:\n" << softmax(a, -1) << "\n\n";

  // Comparisons give masks.
  const Tensor<bool> odd = a - 2 * cast<float>(cast<std::int64_t>(a / 2)) == 1;
  std::cout << "where a is odd:\n" << odd << "\n";
  std::cout << "a with these set to -1:\n" << masked_fill(a, odd, -1) << "\n\n";

  // A mistake throws an exception that names the operation and the shapes.
  const auto attempt = [](auto mistake) {
    try {
      mistake();
    } catch (const Error& e) {
      std::cout << e.what() << "\n";
    }
  };
  attempt([] { matmul(zeros<float>({2, 3}), zeros<float>({2, 3})); });
  attempt([] { zeros<float>({6}).view({4, -1}); });
  attempt([] { zeros<float>({2, 3}).select(1, 3); });
}
