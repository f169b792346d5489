#pragma once
// OpGroup: how ONNX operators of a kind become operators of the Graph. Each file of ops/ defines
// one; the table of all is generated from the file names.

#include <span>
#include <string_view>

#include <verge/core/result.hpp>

namespace verge::onnx {

class NodeContext;

struct OnnxOp {
  std::string_view name;
  /// Emits the node's work and sets its outputs.
  Status (*build)(NodeContext& node) = nullptr;
};

struct OpGroup {
  std::span<const OnnxOp> ops;
};

/// The operator of ONNX's own domain with this name, or nullptr.
const OnnxOp* find_onnx_op(std::string_view name);

namespace ops {
std::span<const OpGroup> table();  // generated from the files of ops/
}

}  // namespace verge::onnx
