#if defined(__x86_64__)
#define VERGE_ISA avx2
#define VERGE_LANES 8
#include <verge/engine/kernels/simd/conv_band.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx2 {

const ConvKernels kConv = kConvTable<6>;

}  // namespace verge::kernels::avx2
#endif
