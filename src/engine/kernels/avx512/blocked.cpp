#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
#include <verge/engine/kernels/simd/blocked_filter.hpp>
#include <verge/engine/kernels/simd/blocked_pool.hpp>
#include <verge/engine/kernels/simd/blocked_winograd.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512 {

const BlockedKernels kBlocked = {kLanes,     kMostVectors,    kMostPixels,         multiply_run,
                                 filter_run, max_blocked_row, average_blocked_row, sum_blocked};
const BlockedWinogradKernels kBlockedWinogradOf2 = kBlockedWinogradTable<Winograd2>;
const BlockedWinogradKernels kBlockedWinogradOf4 = kBlockedWinogradTable<Winograd4>;

}  // namespace verge::kernels::avx512
#endif
