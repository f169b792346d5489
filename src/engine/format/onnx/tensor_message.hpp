#pragma once
// TensorProto: a constant of the file.

#include <verge/engine/format/onnx/types.hpp>
#include <verge/engine/format/onnx/wire.hpp>

namespace verge::format::onnx {

/// Reads it and checks that it has as many values as its extents say, unless they lie in another
/// file. Values in raw_data or packed floats stay where they are; others are decoded into memory
/// that the result owns. Errors name the tensor.
Result<TensorData> read_tensor(const WireField& message);

/// Appends the varints of a repeated field, packed or not.
Status append_integers(const WireField& field, std::string_view what,
                       std::vector<int64_t>& integers);

}  // namespace verge::format::onnx
