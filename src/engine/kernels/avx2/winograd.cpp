#if defined(__x86_64__)
#define VERGE_ISA avx2
#define VERGE_LANES 8
#include <verge/engine/kernels/simd/winograd.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx2 {

const WinogradKernels kWinogradOf2 = kWinogradTable<Winograd2>;
const WinogradKernels kWinogradOf4 = kWinogradTable<Winograd4>;

}  // namespace verge::kernels::avx2
#endif
