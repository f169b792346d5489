#pragma once
// ONNX files for tests, written as protobuf messages by hand: OnnxMessage appends fields,
// onnx_file() makes a whole model of nodes, constants, inputs and outputs.

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace verge::test {

class OnnxMessage {
 public:
  OnnxMessage& integer(uint32_t field, int64_t value) {
    varint(field << 3);
    varint(static_cast<uint64_t>(value));
    return *this;
  }
  OnnxMessage& text(uint32_t field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  OnnxMessage& message(uint32_t field, const OnnxMessage& value) {
    return text(field, value.bytes_);
  }
  OnnxMessage& real(uint32_t field, float value) {
    varint(field << 3 | 5);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(uint64_t value) {
    for (; value > 127; value >>= 7) bytes_ += static_cast<char>(value | 128);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

/// Numbers of TensorProto.DataType.
inline constexpr int kOnnxFloat = 1, kOnnxInt64 = 7, kOnnxBool = 9;

template <typename T>
OnnxMessage onnx_tensor(std::string_view name, int type, const std::vector<int64_t>& dims,
                        const std::vector<T>& values) {
  OnnxMessage tensor;
  for (int64_t extent : dims) tensor.integer(1, extent);
  tensor.integer(2, type).text(8, name);
  tensor.text(9, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  return tensor;
}

/// An extent below 0 is left open.
inline OnnxMessage onnx_value(std::string_view name, int type, const std::vector<int64_t>& dims) {
  OnnxMessage shape;
  for (int64_t extent : dims) {
    OnnxMessage dim;
    if (extent >= 0) dim.integer(1, extent);
    if (extent < 0) dim.text(2, "n");
    shape.message(1, dim);
  }
  const OnnxMessage tensor = OnnxMessage().integer(1, type).message(2, shape);
  return OnnxMessage().text(1, name).message(2, OnnxMessage().message(1, tensor));
}

inline OnnxMessage onnx_node(std::string_view op, const std::vector<std::string>& inputs,
                             const std::vector<std::string>& outputs,
                             const std::vector<OnnxMessage>& attributes = {}) {
  OnnxMessage node;
  for (const std::string& input : inputs) node.text(1, input);
  for (const std::string& output : outputs) node.text(2, output);
  node.text(3, "the " + std::string(op)).text(4, op);
  for (const OnnxMessage& attribute : attributes) node.message(5, attribute);
  return node;
}

inline OnnxMessage onnx_integer_attribute(std::string_view name, int64_t value) {
  return OnnxMessage().text(1, name).integer(3, value).integer(20, 2);
}

struct OnnxParts {
  std::vector<OnnxMessage> nodes, constants, inputs, outputs;

  OnnxMessage graph() const {
    OnnxMessage graph;
    for (const OnnxMessage& node : nodes) graph.message(1, node);
    graph.text(2, "g");
    for (const OnnxMessage& constant : constants) graph.message(5, constant);
    for (const OnnxMessage& input : inputs) graph.message(11, input);
    for (const OnnxMessage& output : outputs) graph.message(12, output);
    return graph;
  }
};

inline std::string onnx_file(const OnnxParts& parts, int64_t opset = 17) {
  OnnxMessage model;
  model.integer(1, 8).text(2, "test").message(7, parts.graph());
  model.message(8, OnnxMessage().text(1, "").integer(2, opset));
  return model.bytes();
}

/// y = x w + b with x [n, 2], w [2, 3], b [3]: a small whole file.
inline OnnxParts small_onnx() {
  OnnxParts parts;
  parts.nodes = {onnx_node("MatMul", {"x", "w"}, {"p"}), onnx_node("Add", {"p", "b"}, {"y"})};
  parts.constants = {onnx_tensor<float>("w", kOnnxFloat, {2, 3}, {1, 2, 3, 4, 5, 6}),
                     onnx_tensor<float>("b", kOnnxFloat, {3}, {0.5f, 0, -1})};
  parts.inputs = {onnx_value("x", kOnnxFloat, {-1, 2})};
  parts.outputs = {onnx_value("y", kOnnxFloat, {-1, 3})};
  return parts;
}

inline std::span<const std::byte> onnx_bytes(const std::string& file) {
  return std::as_bytes(std::span(file));
}

}  // namespace verge::test
