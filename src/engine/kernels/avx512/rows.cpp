#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
#include <verge/engine/kernels/simd/rows.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512 {

const RowKernels kRows = kRowTable;

}  // namespace verge::kernels::avx512
#endif
