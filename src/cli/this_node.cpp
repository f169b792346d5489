#include <verge/cli/this_node.hpp>
#include <verge/core/machine.hpp>
#include <verge/engine/kernels/machine_rates.hpp>

namespace verge::cli {

fleet::Capability this_node(const std::string& name, fleet::Role role, bool measure,
                            const Clock& clock) {
  fleet::Capability can{.node = name,
                        .software = VERGE_VERSION,
                        .role = role,
                        .cores = available_cores(),
                        .isa = std::string(kernels::name(kernels::best_isa())),
                        .memory_bytes = available_memory_bytes()};
  if (!measure) return can;
  ThreadPool pool(can.cores);
  const kernels::MachineRates rates = kernels::measure_rates(pool, clock);
  can.read_gb_s = rates.read_gb_s;
  can.f32_gflops = rates.f32_gflops;
  can.bf16_gflops = rates.bf16_gflops;
  can.int8_gops = rates.int8_gops;
  return can;
}

}  // namespace verge::cli
