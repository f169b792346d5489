#pragma once
// Weights that stay in C as their file has them, in blocks of GGUF's formats or as 16-bit floats,
// and are decoded while a product reads them.

#include <string>
#include <string_view>

#include <verge/core/dtype.hpp>

namespace verge::emit {

struct CBlocks {
  DType dtype;
  std::string_view name;  // in C: q8_0
  int values;             // that decode_NAME makes of
  int bytes;              // so many bytes
  /// C of "static void decode_NAME(const unsigned char *block, float *x)", which uses kHalf.
  std::string_view decode;
};

/// How a type stands in C, or nullptr for one that does not.
const CBlocks* find_c_blocks(DType dtype);

/// C of "static float dot_NAME(const float *x, const unsigned char *w, long n)"; n is a multiple of
/// `values`.
std::string c_block_dot(const CBlocks& blocks);
/// C of "static void row_NAME(const unsigned char *w, float *y, long n)", which decodes.
std::string c_block_row(const CBlocks& blocks);

}  // namespace verge::emit
