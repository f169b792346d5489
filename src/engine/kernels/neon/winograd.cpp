#if defined(__aarch64__)
#define VERGE_ISA neon
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/winograd_gradient.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::neon {

const WinogradKernels kWinogradOf2 = kWinogradTable<WinogradGradient2>;
const WinogradKernels kWinogradOf4 = kWinogradTable<WinogradGradient4>;

}  // namespace verge::kernels::neon
#endif
