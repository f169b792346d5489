#pragma once
// The tensor types that a GGUF file may name: those Verge computes with (DType), and others that it
// lists and copies but cannot read. Numbers and block sizes as in ggml (ggml.h, ggml-common.h).

#include <cstdint>
#include <optional>
#include <string_view>

#include <verge/core/result.hpp>
#include <verge/core/shape.hpp>

namespace verge::format {

struct GgufTensorType {
  uint32_t id;
  std::string_view name;  // "q4_K", "iq2_xxs"
  uint64_t block_size;    // values in a block
  uint64_t block_bytes;
};

/// Nothing for a number that no known version of GGUF uses.
std::optional<GgufTensorType> gguf_tensor_type(uint32_t id);

/// Bytes of a tensor with extents >= 1, rank 1 to 4. Malformed when its columns are no multiple of
/// the block or the size overflows; the error names the tensor.
Result<uint64_t> gguf_tensor_bytes(std::string_view name, const Shape& shape,
                                   const GgufTensorType& type);

constexpr int kGgufMaxRank = 4;

/// The file's alignment: key general.alignment, a power of two, or 32.
class Metadata;
Result<uint64_t> gguf_alignment(const Metadata& metadata);

}  // namespace verge::format
