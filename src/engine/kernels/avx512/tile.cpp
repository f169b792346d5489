#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
#include <verge/engine/kernels/avx512/pack.hpp>
#include <verge/engine/kernels/simd/tile.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512 {

const TileKernels kTileF32 = {12, kTileColumns, 1, 4, pack<WordsF32>, micro_f32_any<12>};

}  // namespace verge::kernels::avx512
#endif
