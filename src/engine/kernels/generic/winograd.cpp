#define VERGE_ISA generic
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/winograd_gradient.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::generic {

const WinogradKernels kWinogradOf2 = kWinogradTable<WinogradGradient2>;
const WinogradKernels kWinogradOf4 = kWinogradTable<WinogradGradient4>;

}  // namespace verge::kernels::generic
