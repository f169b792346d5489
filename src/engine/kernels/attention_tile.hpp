#pragma once
// One tile of attention: some query rows of one kv head against a stretch of keys, block by block.
// Shared by the paged and the dense kernels. Internal to this module.

#include <cstdint>

#include <verge/engine/kernels/isa.hpp>
#include <verge/engine/kernels/scratch.hpp>
#include <verge/engine/kernels/tile.hpp>

namespace verge::kernels {

constexpr int64_t kKeyBlock =
    128;  // keys multiplied at a time; with kTileRows rows fits an L2 cache
constexpr int64_t kTileRows = 192;  // aim for the rows of a tile

struct Rows {  // f32 rows in memory
  const float* data;
  int64_t stride;
};

/// Where a tile's keys and values come from: keys(first, count) as f32 rows, which may be those in
/// memory or a conversion into `buffer` [count, head_dim].
struct KeySource {
  const void* context;
  Rows (*keys)(const void* context, int64_t first, int64_t count, float* buffer);
  Rows (*values)(const void* context, int64_t first, int64_t count, float* buffer);
};

/// A row sees keys [first, last).
struct Span {
  int64_t first, last;
};

/// Buffers of one worker for tiles of up to `rows` rows.
struct TileBuffers {
  TileBuffers(Scratch& scratch, const TileKernels& tile, int64_t rows, int64_t head_dim);

  const TileKernels& tile;  // f32, or bf16 where the caller lets products round
  float* q;                 // [rows, head_dim], scaled by the caller
  float* acc;               // [rows, head_dim]
  float* max;               // [rows]
  float* sum;               // [rows]
  Span* spans;              // [rows]
  float* scores;            // [rows, kKeyBlock]
  float* stored;            // [kKeyBlock, head_dim]
  void* packed_q;
  void* packed_kv;
  void* packed_p;
};

/// Attends q[rows, head_dim] to what the rows' spans say: fills acc, max and sum as AttentionPart.
void attend_tile(Isa isa, TileBuffers& buffers, int64_t rows, int64_t head_dim, float soft_cap,
                 const KeySource& source);

}  // namespace verge::kernels
