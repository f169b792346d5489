#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
#include <verge/engine/kernels/simd/winograd_gradient.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512 {

const WinogradKernels kWinogradOf2 = kWinogradTable<WinogradGradient2>;
const WinogradKernels kWinogradOf4 = kWinogradTable<WinogradGradient4>;

}  // namespace verge::kernels::avx512
#endif
