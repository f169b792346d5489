#define VERGE_ISA generic
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/tile.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::generic {

const TileKernels kTileF32 = {4, kTileColumns, 1, 4, pack_f32, micro_f32_any<4>};

}  // namespace verge::kernels::generic
