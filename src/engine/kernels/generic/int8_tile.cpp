#include <verge/engine/kernels/simd/int8_plain.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::generic {

const Int8Kernels kInt8 = kPlainInt8;

}  // namespace verge::kernels::generic
