#pragma once
// each_block: the loop over the blocks of a row, shared by all decoders.

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

}  // namespace verge::quant
