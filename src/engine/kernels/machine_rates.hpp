#pragma once
// The rates this machine reaches at this moment: what a kernel can be compared with. They halve
// when a neighbour is busy, so measure them in the run whose figures they explain.
//
//   const MachineRates rates = measure_rates(pool, SystemClock());
//   best_decode_tokens_per_s = rates.read_gb_s * 1e9 / weight_bytes;

#include <verge/core/clock.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

/// Of all threads of the pool together. A rate is 0 where the ISA has no such instruction.
struct MachineRates {
  double read_gb_s = 0;    // a stream of 256 MB, beyond the caches; 1 GB = 1e9 bytes
  double f32_gflops = 0;   // fused multiply-adds in registers, two operations each
  double bf16_gflops = 0;  // products of bf16 pairs, summed in f32
  double int8_gops = 0;    // products of unsigned and signed bytes, summed in i32
};

/// Medians of a few short runs: about a third of a second, and 256 MB for its duration.
MachineRates measure_rates(ThreadPool& pool, const Clock& clock, Isa isa = best_isa());

}  // namespace verge::kernels
