#pragma once
// The JSON header of a safetensors file, read as a stream of events: no tree is built, so memory is
// bounded by the tensors really listed, and a key that appears twice is seen.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::format {

struct SafetensorsEntry {
  std::string name;
  std::string type;
  std::vector<uint64_t> shape;
  uint64_t begin = 0;  // of its bytes, from the end of the header
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<std::pair<std::string, std::string>> metadata;  // in the file's order
  std::vector<SafetensorsEntry> tensors;
};

/// Checks syntax, keys and kinds of values, but not that numbers make sense together.
Result<SafetensorsHeader> parse_safetensors_header(std::string_view json);

}  // namespace verge::format
