#if defined(__aarch64__)
#define VERGE_ISA neon
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/conv_band.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::neon {

const ConvKernels kConv = kConvTable<12>;  // 24 sums, 2 values and a weight in 32 registers

}  // namespace verge::kernels::neon
#endif
