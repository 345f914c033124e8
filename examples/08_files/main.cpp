// Numbers from and to elsewhere: NumPy's files, images, Eigen, std::span.
#include <filesystem>
#include <gloss/gloss.hpp>
#include <gloss/io/image.hpp>
#include <gloss/io/image_file.hpp>
#include <gloss/io/npz.hpp>
#include <gloss/iostream.hpp>
#include <gloss/tensor/eigen.hpp>
#include <iostream>
#include <span>
#include <vector>

using namespace gloss;
using std::cout;

namespace {

void numpy_files(const std::string& folder) {
  Tensor<float> x = arange<float>(6).view({2, 3});
  io::save_npy(folder + "/x.npy", x);                              // numpy.load("x.npy")
  Tensor<double> back = io::load_npy<double>(folder + "/x.npy");   // any dtype that fits without loss of meaning
  cout << back << "\n";

  io::save_npz(folder + "/both.npz", {{"weight", x}, {"ids", Tensor<std::int64_t>{3, 1}}});
  const io::Npz both = io::load_npz(folder + "/both.npz");
  cout << both.tensor<std::int64_t>("ids") << "\n";
}

void image_files(const std::string& folder) {
  Tensor<float> picture = stack<float>({full<float>({2, 4}, 1.0f), zeros<float>({2, 4}), full<float>({2, 4}, 0.5f)});
  io::write_image(folder + "/pink.png", io::to_image(picture));    // [3, 2, 4] floats -> [2, 4, 3] bytes
  Tensor<std::uint8_t> bytes = io::read_image(folder + "/pink.png");
  cout << bytes.shape() << " " << bytes[0][0] << "\n";
  Tensor<float> again = io::to_tensor(bytes);                      // [3, 2, 4], from 0 to 1
  cout << again.shape() << " " << max(abs(again - picture)).item() << "\n";
  Tensor<float> mirrored = flip(again, {2});
  cout << mirrored.shape() << "\n";
}

void borrowed() {
  Eigen::MatrixXd m = Eigen::MatrixXd::Identity(2, 2);
  Tensor<double> x = from_eigen(m);            // the same memory, column-major strides and all
  x.select(0, 0).fill_(5);
  cout << m << "\n";
  cout << (as_eigen(x.contiguous()) * 2).sum() << "\n";  // an Eigen::Map of a tensor

  std::vector<float> numbers = {1, 2, 3, 4};
  Tensor<float> t = from_span(std::span(numbers), {2, 2});
  t.fill_(7);
  for (const float v : as_span(t)) cout << v << " ";
  cout << numbers[3] << "\n";
}

}  // namespace

int main() {
  const auto folder = std::filesystem::temp_directory_path() / "gloss_example_08_files";
  std::filesystem::create_directories(folder);
  numpy_files(folder.string());
  image_files(folder.string());
  borrowed();
  std::filesystem::remove_all(folder);
}
