#if defined(__aarch64__)
#define VERGE_ISA neon
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/elements.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::neon {

const ElementKernels kElements = kElementTable;

}  // namespace verge::kernels::neon
#endif
