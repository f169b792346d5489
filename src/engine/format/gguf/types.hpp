#pragma once
// The tensor types that a GGUF file may name: those Verge computes with (DType), and others that it
// lists and copies but cannot read. Numbers and block sizes as in ggml (ggml.h, ggml-common.h).

#include <cstdint>
#include <optional>
#include <string_view>

namespace verge::format {

struct GgufTensorType {
  uint32_t id;
  std::string_view name;  // "q4_K", "iq2_xxs"
  uint64_t block_size;    // values in a block
  uint64_t block_bytes;
};

/// Nothing for a number that no known version of GGUF uses.
std::optional<GgufTensorType> gguf_tensor_type(uint32_t id);

}  // namespace verge::format
