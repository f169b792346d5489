#pragma once
// network_bench: how long one run of a network takes, as the median of repeated runs.

#include <vector>

#include <verge/core/clock.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/profile.hpp>

namespace verge::serve {

struct NetworkBenchOptions {
  int repeat = 10;  // measured runs, after one that only warms up
  bool profile = false;
};

struct NetworkBench {
  double median_s = 0;
  double least_s = 0;
  std::vector<runtime::OperatorTime> profile;  // of one more run, most time first
};

/// Runs a network, whose inputs are filled. Fails with InvalidArgument for less than one run.
Result<NetworkBench> run_network_bench(runtime::Plan& plan, const Clock& clock,
                                       const NetworkBenchOptions& options);

}  // namespace verge::serve
