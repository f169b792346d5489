#pragma once
// Loops that do nothing but keep one execution unit busy, one table an ISA folder. Internal to this
// module.

#include <cstddef>
#include <cstdint>

#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

/// Runs `rounds` rounds on independent accumulators and returns something that depends on them.
/// `operands`: 128 readable bytes, which the compiler cannot know.
using PeakLoop = float (*)(int64_t rounds, const void* operands);

struct PeakLoops {
  PeakLoop f32 = nullptr;
  int64_t f32_operations = 0;  // of one round
  PeakLoop bf16 = nullptr;     // null: no such instruction
  int64_t bf16_operations = 0;
  PeakLoop int8 = nullptr;
  int64_t int8_operations = 0;
  /// Reads `bytes` (a multiple of 512, 64-byte aligned) once.
  uint64_t (*read)(const std::byte* data, int64_t bytes) = nullptr;
};

const PeakLoops& peak_loops(Isa isa);

namespace generic {
extern const PeakLoops kPeakLoops;
}
namespace avx2 {
extern const PeakLoops kPeakLoops;
}
namespace avx512 {
extern const PeakLoops kPeakLoops;
}
namespace avx512_bf16 {
extern const PeakLoops kPeakLoops;
}
namespace neon {
extern const PeakLoops kPeakLoops;
}
namespace neon_dot {
extern const PeakLoops kPeakLoops;
}

}  // namespace verge::kernels
