#pragma once
// StoredTensor: one tensor of a model file, checked against the file but not read. Its bytes stay
// in the mapping and live as long as the file object it came from.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <verge/core/dtype.hpp>
#include <verge/core/result.hpp>
#include <verge/core/shape.hpp>
#include <verge/core/tensor.hpp>

namespace verge::format {

struct StoredTensor {
  std::string name;
  std::string type_name;       // as the format calls it, even where Verge cannot read the type
  uint32_t type_id = 0;        // GGUF's number of the type
  std::optional<DType> dtype;  // nothing: listed and copied, but not readable
  Shape shape;                 // outermost first
  uint64_t offset = 0;         // from the start of the data section
  std::span<const std::byte> bytes;
  // Rows are stored half by half per head (NeoX RoPE) and must be interleaved when read: the number
  // of heads, 0 for rows that are right as they stand.
  int interleave_heads = 0;

  /// The tensor where it lies, read-only. Fails with Unsupported for a type Verge cannot read, with
  /// Malformed for data not aligned to its values; needs interleave_heads == 0.
  Result<TensorView> view() const;
  /// Copies the values into `out` (bytes.size() bytes), interleaving rows where asked for.
  Status copy_to(std::span<std::byte> out) const;
};

}  // namespace verge::format
