#pragma once
// The time of a plan by operator: what `verge bench --profile` and `verge train --profile` print.

#include <string>
#include <vector>

#include <verge/engine/runtime/plan.hpp>

namespace verge::runtime {

/// Time of all nodes of one operator.
struct OperatorTime {
  std::string op;
  int nodes = 0;
  int reference_nodes = 0;  // without a fast kernel
  double seconds = 0;
};

/// Sums over the nodes of an operator; most time first.
std::vector<OperatorTime> by_operator(const std::vector<NodeProfile>& nodes);

}  // namespace verge::runtime
