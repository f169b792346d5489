#include <verge/engine/kernels/simd/int8_rows.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512 {

const Int8RowKernels kInt8Rows = kInt8RowLoops;

}  // namespace verge::kernels::avx512
