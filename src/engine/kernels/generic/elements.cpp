#define VERGE_ISA generic
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/elements.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::generic {

const ElementKernels kElements = kElementTable;

}  // namespace verge::kernels::generic
