#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
#include <verge/engine/kernels/simd/conv_band.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512 {

const ConvKernels kConv = kConvTable<12>;

}  // namespace verge::kernels::avx512
#endif
