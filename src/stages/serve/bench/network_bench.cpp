#include <algorithm>

#include <verge/stages/serve/bench/network_bench.hpp>

namespace verge::serve {

Result<NetworkBench> run_network_bench(runtime::Plan& plan, const Clock& clock,
                                       const NetworkBenchOptions& options) {
  if (options.repeat < 1) {
    return make_error(Code::InvalidArgument, "{} runs; give at least 1", options.repeat);
  }
  plan.run(std::span<const int64_t>{});
  std::vector<double> times;
  for (int i = 0; i < options.repeat; ++i) {
    const double begin = clock.seconds();
    plan.run(std::span<const int64_t>{});
    times.push_back(clock.seconds() - begin);
  }
  std::ranges::sort(times);
  const size_t middle = times.size() / 2;
  NetworkBench bench;
  bench.median_s = times.size() % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
  bench.least_s = times.front();
  if (options.profile) {
    plan.start_profile();
    plan.run(std::span<const int64_t>{});
    bench.profile = runtime::by_operator(plan.profile());
  }
  return bench;
}

}  // namespace verge::serve
