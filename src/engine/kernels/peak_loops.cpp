#include <verge/engine/kernels/peak_loops.hpp>

namespace verge::kernels {

const PeakLoops& peak_loops(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::Avx512Bf16) return avx512_bf16::kPeakLoops;
  if (isa == Isa::Avx512) return avx512::kPeakLoops;
  if (isa == Isa::Avx2) return avx2::kPeakLoops;
#elif defined(__aarch64__)
  if (isa == Isa::NeonDot) return neon_dot::kPeakLoops;
  if (isa == Isa::Neon) return neon::kPeakLoops;
#endif
  (void)isa;
  return generic::kPeakLoops;
}

}  // namespace verge::kernels
