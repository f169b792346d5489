#define VERGE_ISA generic
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/taps.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::generic {

const TapKernels kTaps = kTapTable<4>;

}  // namespace verge::kernels::generic
