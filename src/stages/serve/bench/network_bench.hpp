#pragma once
// network_bench: how long one run of a network takes, as the median of repeated runs.

#include <vector>

#include <verge/core/clock.hpp>
#include <verge/engine/model/onnx_network.hpp>
#include <verge/engine/runtime/profile.hpp>

namespace verge::serve {

struct NetworkBenchOptions {
  int repeat = 10;  // measured runs, after one that only warms up
  uint64_t seed = 1;
  bool profile = false;
};

struct NetworkBench {
  double median_s = 0;
  double least_s = 0;
  std::vector<runtime::OperatorTime> profile;  // of one more run, most time first
};

/// Runs the network on random inputs. Fails with InvalidArgument for less than one run.
Result<NetworkBench> run_network_bench(model::OnnxNetwork& network, const Clock& clock,
                                       const NetworkBenchOptions& options);

}  // namespace verge::serve
