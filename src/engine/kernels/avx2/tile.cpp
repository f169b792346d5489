#if defined(__x86_64__)
#define VERGE_ISA avx2
#define VERGE_LANES 8
#include <verge/engine/kernels/simd/tile.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx2 {

const TileKernels kTileF32 = {6, kTileColumns, 1, 4, pack_f32, micro_f32_any<6>};

}  // namespace verge::kernels::avx2
#endif
