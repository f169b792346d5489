#pragma once
// A named tensor in the runtime's own files: name, u32 dtype, u32 rank, i64 extents, bytes.

#include <string>
#include <utility>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/engine/runtime/checked_file.hpp>

namespace verge::runtime {

using NamedTensors = std::vector<std::pair<std::string, TensorView>>;

/// What stands before the bytes.
struct TensorHeader {
  std::string_view name;
  uint32_t dtype = 0;
  std::vector<int64_t> extents;

  bool fits(const TensorView& view) const;
};

void write_header(CheckedWriter& writer, std::string_view name, const TensorView& view);
void write_tensor(CheckedWriter& writer, std::string_view name, const TensorView& view);
/// Of a damaged file the reader is no longer good.
TensorHeader read_header(CheckedReader& reader);

inline std::span<const std::byte> stored_bytes(const TensorView& view) {
  return {view.as<std::byte>(), static_cast<size_t>(view.bytes())};
}

}  // namespace verge::runtime
