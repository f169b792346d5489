#define VERGE_ISA generic
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/rows.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::generic {

const RowKernels kRows = kRowTable;

}  // namespace verge::kernels::generic
