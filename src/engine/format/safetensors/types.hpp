#pragma once
// The element types of safetensors, by their names in the header.

#include <cstdint>
#include <optional>
#include <string_view>

#include <verge/core/dtype.hpp>

namespace verge::format {

struct SafetensorsType {
  std::string_view name;       // "BF16"
  uint64_t bytes;              // of one value
  std::optional<DType> dtype;  // nothing: listed, but not readable
};

std::optional<SafetensorsType> safetensors_type(std::string_view name);
/// The type that holds a DType's values; nothing for GGUF's block types.
std::optional<SafetensorsType> safetensors_type(DType dtype);

}  // namespace verge::format
