#pragma once
// The loops over the blocks of a row, shared by all decoders and all encoders.

#include <cstdint>

#include <verge/core/dtype.hpp>
#include <verge/engine/quant/blocks.hpp>

namespace verge::quant {

/// Calls decode(block, x) for each block; x are the block's `Size` values in `out`.
template <typename Block, int Size, typename Decode>
void each_block(const void* blocks, float* out, int64_t count, Decode decode) {
  const Block* block = static_cast<const Block*>(blocks);
  for (int64_t i = 0; i < count / Size; ++i) decode(block[i], out + i * Size);
}

/// Calls encode(block, x, importance) for each block; importance stays null if it is null.
template <typename Block, int Size, typename Encode>
void fill_blocks(const float* x, void* blocks, int64_t count, const float* importance,
                 Encode encode) {
  Block* block = static_cast<Block*>(blocks);
  for (int64_t i = 0; i < count / Size; ++i) {
    encode(block[i], x + i * Size, importance ? importance + i * Size : nullptr);
  }
}

}  // namespace verge::quant
