#if defined(__aarch64__)
#define VERGE_ISA neon
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/tile.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::neon {

const TileKernels kTileF32 = {12, kTileColumns, 1, 4, pack_f32, micro_f32_any<12>};

}  // namespace verge::kernels::neon
#endif
