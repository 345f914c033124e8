// The cookbook: everyday idioms of PyTorch, each as gloss says it. docs/cookbook.md shows them one by one.
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <gloss/metrics.hpp>
#include <iostream>

using namespace gloss;
using std::cout;

namespace {

void basics() {
  manual_seed(0);  // the same numbers in every run, on any number of threads

  Tensor<float> x = randn<float>({2, 3});
  cout << dtype_name<float>() << " " << x.shape() << ", " << x.dim() << " axes, " << x.numel() << " elements\n";
  if (x.shape() != Shape{2, 3}) fail("the model expects [2, 3], got ", x.shape());  // assert x.size() == (2, 3)
}

void dtypes() {
  Tensor<float> x = {1.5f, -2.5f, 3.0f};
  Tensor<double> d = cast<double>(x);               // x.double()
  Tensor<std::int64_t> i = cast<std::int64_t>(x);   // x.long(): towards zero
  Tensor<bool> b = x > 0;
  cout << d << " " << i << " " << b << " " << cast<float>(b) << "\n";
}

void one_number() {
  Tensor<float> loss = mean(Tensor<float>{1, 2, 6});
  float value = loss.item();  // a number without a graph, so that adding it up keeps nothing alive
  cout << value << "\n";
}

void shapes() {
  Tensor<float> x = arange<float>(24).view({2, 3, 4});
  cout << x.reshape({6, -1}).shape() << " ";             // copies only when it must
  cout << x.transpose(1, 2).reshape({2, 12}).shape() << " ";
  cout << x.flatten(1).shape() << " " << x.unsqueeze(0).shape() << " " << x.permute({2, 0, 1}).shape() << "\n";
}

void shuffled() {
  Tensor<std::int64_t> rows = arange<std::int64_t>(10).view({5, 2});
  Tensor<std::int64_t> mixed = index_select(rows, 0, randperm(rows.size(0)));
  cout << sort(mixed.select(1, 0)).values << "\n";  // the same rows
}

void mirrored() {
  Tensor<float> images = arange<float>(6).view({1, 1, 2, 3});  // N C H W
  cout << flip(images, {3})[0][0] << "\n";
}

void copies() {
  Tensor<float> x = Tensor<float>{1, 2}.requires_grad_();
  Tensor<float> a = x.clone();           // new memory, in the graph
  Tensor<float> b = x.detach();          // shared memory, outside it
  Tensor<float> c = x.detach().clone();  // new memory, outside it
  cout << a.requires_grad() << b.requires_grad() << c.requires_grad() << " ";
  cout << (a.data() == x.data()) << (b.data() == x.data()) << (c.data() == x.data()) << "\n";
}

void joined() {
  std::vector<Tensor<float>> three(3, ones<float>({10, 5}));
  cout << cat(three, 0).shape() << " " << stack(three, 0).shape() << "\n";
}

void one_hot_labels() {
  Tensor<std::int64_t> labels = {0, 2, 1};
  cout << one_hot(labels, 4) << "\n";
}

void nonzero_elements() {
  Tensor<float> x = {{1, 0}, {0, 3}};
  cout << nonzero(x) << " " << nonzero(x).size(0) << " of them, " << nonzero(x == 0).size(0) << " zeros\n";
}

void stretched() {
  Tensor<float> x = ones<float>({64, 512});
  cout << x.view({64, 512, 1, 1}).expand({64, 512, 7, 7}).shape() << "\n";  // no copy
}

void products() {
  Tensor<float> a = {{1, 2}, {3, 4}}, b = {{0, 1}, {1, 0}};
  cout << mm(a, b) << "\n" << bmm(stack<float>({a, b}), stack<float>({b, a}))[1] << "\n" << a * b << "\n";
}

void distances() {
  Tensor<double> x1 = {{0, 0}, {3, 4}}, x2 = {{0, 0}, {6, 8}, {3, 0}};
  Tensor<double> by_hand = sqrt(sum(pow(x1.unsqueeze(1) - x2.unsqueeze(0), 2), 2));
  cout << cdist(x1, x2) << " " << max(abs(cdist(x1, x2) - by_hand)) << "\n";
}

void bilinear_pooling() {
  Tensor<float> features = randn<float>({2, 5, 7, 7});  // N D H W
  Tensor<float> x = features.view({2, 5, 49});
  x = bmm(x, x.transpose(1, 2)) / 49;
  x = x.reshape({2, 25});
  x = sign(x) * sqrt(abs(x) + 1e-5);
  x = normalize(x);
  cout << x.shape() << " " << round(norm(x, 2, 1), 3) << "\n";
}

void smoothed_labels() {
  const Index classes = 5;
  Tensor<float> scores = randn<float>({3, classes});
  Tensor<std::int64_t> labels = {1, 0, 4};
  Tensor<float> smoothed = full<float>({3, classes}, 0.1f / (classes - 1));
  smoothed = scatter(smoothed, 1, labels.unsqueeze(1), 0.9);
  Tensor<float> loss = -sum(log_softmax(scores, 1) * smoothed) / 3;
  cout << sum(smoothed, 1) << " " << (loss.item() > 0) << "\n";
  // The usual smoothing, spread over all classes, is an option of the loss:
  cout << (cross_entropy(scores, labels, {.label_smoothing = 0.1}).item() > 0) << "\n";
}

void losses() {
  Tensor<float> scores = {{2, 1, 0}, {0, 3, 1}};
  Tensor<std::int64_t> labels = {0, 2};
  Tensor<float> class_weights = {1, 1, 4}, truth = {{1, 0, 0}, {0, 1, 1}}, teacher = {{3, 1, 0}, {0, 2, 1}};
  cout << cross_entropy(scores, labels, class_weights).item() << " "
       << binary_cross_entropy_with_logits(scores, truth, {.pos_weight = class_weights}).item() << " "
       << mse_loss(scores, truth).item() << " " << huber_loss(scores, truth, {.delta = 2}).item() << " "
       << kl_div(log_softmax(scores, 1), log_softmax(teacher, 1), LossReduction::batchmean, {.log_target = true}).item()
       << "\n";
}

void accuracy() {
  Tensor<float> scores = {{2, 1, 0}, {0, 3, 1}, {1, 0, 2}, {5, 0, 0}};
  Tensor<std::int64_t> labels = {0, 1, 1, 0};
  metrics::Accuracy right;  // <gloss/metrics.hpp>
  metrics::PrecisionRecall by_class(3);
  right.add(scores, labels);  // batch by batch
  by_class.add(scores, labels);
  cout << right.result() * 100 << " %\n";
  const metrics::PrecisionRecallReport report = by_class.result();
  for (const metrics::PrecisionRecallScore& c : report.classes)
    cout << "precision " << c.precision << ", recall " << c.recall << ", F1 " << c.f1 << "\n";
  cout << "macro F1 " << report.macro.f1 << "\n";
}

void regularized() {
  nn::Linear<float> layer(4, 3);
  Tensor<float> loss = mean(layer(ones<float>({2, 4})));
  for (const Tensor<float>& p : layer.parameters()) loss = loss + sum(abs(p)) * 0.01;  // L1
  loss.backward();
  const double before = optim::clip_grad_norm_(layer.parameters(), 0.5);
  cout << (before > 0) << " " << layer.num_parameters() << " parameters\n";
}

void without_graph() {
  Tensor<float> w = ones<float>({2}).requires_grad_();
  {
    NoGradGuard no_grad;  // with torch.no_grad():
    cout << (w * 2).requires_grad() << "\n";
  }
  cout << (w * 2).requires_grad() << "\n";
}

void named_axes() {  // einops
  Tensor<float> x = randn<float>({2, 10, 32});
  Tensor<float> heads = rearrange(x, "b n (h d) -> b h n d", {{"h", 8}});
  Tensor<float> scores = einsum("bhqd,bhkd->bhqk", heads, heads);
  cout << heads.shape() << " " << scores.shape() << " " << reduce(x, "b n d -> b d", "mean").shape() << "\n";
}

}  // namespace

int main() {
  basics();
  dtypes();
  one_number();
  shapes();
  shuffled();
  mirrored();
  copies();
  joined();
  one_hot_labels();
  nonzero_elements();
  stretched();
  products();
  distances();
  bilinear_pooling();
  smoothed_labels();
  losses();
  accuracy();
  regularized();
  without_graph();
  named_axes();
}
