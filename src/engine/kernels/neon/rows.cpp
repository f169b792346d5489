#if defined(__aarch64__)
#define VERGE_ISA neon
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/rows.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::neon {

const RowKernels kRows = kRowTable;

}  // namespace verge::kernels::neon
#endif
