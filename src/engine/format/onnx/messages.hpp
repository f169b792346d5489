#pragma once
// ModelProto and what it holds, read into the structs of types.hpp. Internal to this folder.

#include <span>

#include <verge/engine/format/onnx/types.hpp>

namespace verge::format::onnx {

/// Fails with Malformed for bytes that are no model; the error names the node or tensor.
Result<ModelData> read_model(std::span<const std::byte> bytes);

}  // namespace verge::format::onnx
