#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx {

const OnnxOp* find_onnx_op(std::string_view name) {
  for (const OpGroup& group : ops::table()) {
    for (const OnnxOp& op : group.ops) {
      if (op.name == name) return &op;
    }
  }
  return nullptr;
}

}  // namespace verge::onnx
