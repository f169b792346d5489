#pragma once
// Loops over rows (the last axis) shared by softmax, log_softmax, attention and the routers.

#include <vector>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {

/// Output like input 0; {axis}, if given, must be the last one.
Status infer_last_axis(InferContext& context);

/// Replaces scores by their softmax; returns log(sum(exp(scores))).
double softmax_row(std::vector<double>& scores);

/// out = f(in) for each row; f changes a row in place.
template <typename F>
void map_rows(const KernelCall& call, F f) {
  const std::vector<double> x = load(call.in(0));
  const auto n = static_cast<size_t>(call.in(0).shape.back());
  std::vector<double> y;
  for (size_t first = 0; first < x.size(); first += n) {
    std::vector<double> row(&x[first], &x[first] + n);
    f(row);
    y.insert(y.end(), row.begin(), row.end());
  }
  store(call.out(), y);
}

}  // namespace verge::graph
