#define VERGE_ISA generic
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/conv_band.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::generic {

const ConvKernels kConv = kConvTable<4>;

}  // namespace verge::kernels::generic
