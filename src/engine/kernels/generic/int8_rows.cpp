#include <verge/engine/kernels/simd/int8_rows.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::generic {

const Int8RowKernels kInt8Rows = kInt8RowLoops;

}  // namespace verge::kernels::generic
