#include <algorithm>
#include <map>

#include <verge/engine/runtime/profile.hpp>

namespace verge::runtime {

std::vector<OperatorTime> by_operator(const std::vector<NodeProfile>& nodes) {
  std::map<std::string, OperatorTime> times;
  for (const NodeProfile& node : nodes) {
    OperatorTime& time = times[node.op];
    time.op = node.op;
    time.nodes += 1;
    time.reference_nodes += node.is_reference ? 1 : 0;
    time.seconds += node.seconds;
  }
  std::vector<OperatorTime> sorted;
  for (auto& [op, time] : times) sorted.push_back(std::move(time));
  std::ranges::sort(sorted, std::greater(), &OperatorTime::seconds);
  return sorted;
}

}  // namespace verge::runtime
