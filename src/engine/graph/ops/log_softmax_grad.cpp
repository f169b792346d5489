// dx = dy - exp(y) * sum(dy) by rows, for y = log_softmax(x).

#include <cmath>

#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

void reference(const KernelCall& call) {
  const std::vector<double> y = load(call.in(0)), dy = load(call.in(1));
  const auto n = static_cast<size_t>(call.out().shape.back());
  std::vector<double> dx(y.size());
  for (size_t first = 0; first < y.size(); first += n) {
    double sum = 0;
    for (size_t i = first; i < first + n; ++i) sum += dy[i];
    for (size_t i = first; i < first + n; ++i) dx[i] = dy[i] - std::exp(y[i]) * sum;
  }
  store(call.out(), dx);
}

}  // namespace

OpDef log_softmax_grad() {
  return {.name = "log_softmax_grad",
          .infer = infer_same_shape,
          .reference = reference,
          .aliases = {{0, 1, false}, {0, 0, false}}};
}

}  // namespace verge::graph::ops
