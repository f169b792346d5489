#pragma once
// The kernel tables that the folders generic/, avx2/, avx512/, avx512_bf16/, neon/ and neon_dot/
// define. Internal to this module.

#include <verge/engine/kernels/blocked_run.hpp>
#include <verge/engine/kernels/blocked_tiles.hpp>
#include <verge/engine/kernels/conv_band.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/int8_rows.hpp>
#include <verge/engine/kernels/int8_tile.hpp>
#include <verge/engine/kernels/rows.hpp>
#include <verge/engine/kernels/taps.hpp>
#include <verge/engine/kernels/tile.hpp>
#include <verge/engine/kernels/winograd_tiles.hpp>

namespace verge::kernels {
namespace generic {
extern const TileKernels kTileF32;
extern const RowKernels kRows;
extern const ElementKernels kElements;
extern const TapKernels kTaps;
extern const ConvKernels kConv;
extern const Int8Kernels kInt8;
extern const Int8RowKernels kInt8Rows;
extern const BlockedKernels kBlocked;
extern const BlockedWinogradKernels kBlockedWinogradOf2, kBlockedWinogradOf4;
extern const WinogradKernels kWinogradOf2, kWinogradOf4;
}  // namespace generic
namespace avx2 {
extern const TileKernels kTileF32;
extern const RowKernels kRows;
extern const ElementKernels kElements;
extern const TapKernels kTaps;
extern const ConvKernels kConv;
extern const Int8Kernels kInt8;
extern const Int8RowKernels kInt8Rows;
extern const BlockedKernels kBlocked;
extern const BlockedWinogradKernels kBlockedWinogradOf2, kBlockedWinogradOf4;
extern const WinogradKernels kWinogradOf2, kWinogradOf4;
}  // namespace avx2
namespace avx512 {
extern const TileKernels kTileF32;
extern const RowKernels kRows;
extern const ElementKernels kElements;
extern const TapKernels kTaps;
extern const ConvKernels kConv;
extern const Int8Kernels kInt8;
extern const Int8RowKernels kInt8Rows;
extern const BlockedKernels kBlocked;
extern const BlockedWinogradKernels kBlockedWinogradOf2, kBlockedWinogradOf4;
extern const WinogradKernels kWinogradOf2, kWinogradOf4;
}  // namespace avx512
namespace avx512_bf16 {
extern const TileKernels kTileBf16;
}  // namespace avx512_bf16
namespace neon {
extern const TileKernels kTileF32;
extern const RowKernels kRows;
extern const ElementKernels kElements;
extern const TapKernels kTaps;
extern const ConvKernels kConv;
extern const Int8Kernels kInt8;
extern const Int8RowKernels kInt8Rows;
extern const BlockedKernels kBlocked;
extern const BlockedWinogradKernels kBlockedWinogradOf2, kBlockedWinogradOf4;
extern const WinogradKernels kWinogradOf2, kWinogradOf4;
}  // namespace neon
namespace neon_dot {
extern const Int8Kernels kInt8;
}  // namespace neon_dot
}  // namespace verge::kernels
