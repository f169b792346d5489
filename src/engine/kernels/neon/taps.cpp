#if defined(__aarch64__)
#define VERGE_ISA neon
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/taps.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::neon {

const TapKernels kTaps = kTapTable<8>;

}  // namespace verge::kernels::neon
#endif
