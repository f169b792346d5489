#pragma once
// One step of AdamW in double (Loshchilov and Hutter 2019, algorithm 2): what the operators that
// keep its moments in different forms share.

#include <cmath>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// Attributes beta1, beta2, eps, weight_decay. `step` counts from 1. Updates parameters and
/// moments.
inline void adamw_step(const Attrs& attrs, const std::vector<double>& gradient, double step,
                       double lr, std::vector<double>& p, std::vector<double>& m,
                       std::vector<double>& v) {
  const double beta1 = attrs.real("beta1", 0.9), beta2 = attrs.real("beta2", 0.999);
  const double eps = attrs.real("eps", 1e-8), decay = attrs.real("weight_decay", 0);
  for (size_t i = 0; i < p.size(); ++i) {
    m[i] = beta1 * m[i] + (1 - beta1) * gradient[i];
    v[i] = beta2 * v[i] + (1 - beta2) * gradient[i] * gradient[i];
    const double mean = m[i] / (1 - std::pow(beta1, step));
    const double square = v[i] / (1 - std::pow(beta2, step));
    p[i] = (1 - lr * decay) * p[i] - lr * mean / (std::sqrt(square) + eps);
  }
}

}  // namespace verge::graph
