#define VERGE_ISA generic
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/blocked_filter.hpp>
#include <verge/engine/kernels/simd/blocked_pool.hpp>
#include <verge/engine/kernels/simd/blocked_winograd.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::generic {

const BlockedKernels kBlocked = {kLanes,     kMostVectors,    kMostPixels,         multiply_run,
                                 filter_run, max_blocked_row, average_blocked_row, sum_blocked};
const BlockedWinogradKernels kBlockedWinogradOf2 = kBlockedWinogradTable<Winograd2>;
const BlockedWinogradKernels kBlockedWinogradOf4 = kBlockedWinogradTable<Winograd4>;

}  // namespace verge::kernels::generic
