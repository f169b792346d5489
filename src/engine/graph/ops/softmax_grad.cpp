// dx = y * (dy - sum(y dy)) by rows, for y = softmax(x).

#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

void reference(const KernelCall& call) {
  const std::vector<double> y = load(call.in(0)), dy = load(call.in(1));
  const auto n = static_cast<size_t>(call.out().shape.back());
  std::vector<double> dx(y.size());
  for (size_t first = 0; first < y.size(); first += n) {
    double dot = 0;
    for (size_t i = first; i < first + n; ++i) dot += y[i] * dy[i];
    for (size_t i = first; i < first + n; ++i) dx[i] = y[i] * (dy[i] - dot);
  }
  store(call.out(), dx);
}

}  // namespace

OpDef softmax_grad() {
  return {.name = "softmax_grad",
          .infer = infer_same_shape,
          .reference = reference,
          .aliases = {{0, 1, false}, {0, 0, false}}};
}

}  // namespace verge::graph::ops
