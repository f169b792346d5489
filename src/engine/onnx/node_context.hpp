#pragma once
// NodeContext: what an operator of ops/ sees of one node of the file: its attributes, its inputs,
// and the Graph's operators to say it with. A mistake of the Graph's own (shapes that do not fit)
// ends up in the importer's error; calls after it do nothing.

#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/onnx/emitter.hpp>

namespace verge::onnx {

class Importer;

inline std::vector<int64_t> to_list(const Shape& shape) {
  return {shape.extents().begin(), shape.extents().end()};
}

class NodeContext {
 public:
  NodeContext(Importer& importer, Emitter& emitter, const format::onnx::NodeData& node,
              std::vector<Value> inputs);

  const format::onnx::NodeData& node() const { return node_; }
  int64_t opset() const;

  /// Attributes, or what ONNX assumes without.
  int64_t integer(std::string_view name, int64_t otherwise = 0) const;
  double real(std::string_view name, double otherwise = 0) const;
  std::string text(std::string_view name, std::string_view otherwise = "") const;
  std::vector<int64_t> integers(std::string_view name) const;
  bool has(std::string_view attribute) const { return node_.find(attribute) != nullptr; }

  size_t input_count() const { return inputs_.size(); }
  bool has_input(size_t i) const { return i < inputs_.size() && inputs_[i]; }
  Value in(size_t i) const { return inputs_[i]; }
  const std::vector<Value>& inputs() const { return inputs_; }
  /// Fails with Malformed unless the node has the inputs [0, count).
  Status require_inputs(size_t count) const;
  /// The elements of an input that decides shapes. Unsupported if they depend on what the network
  /// is given when it runs.
  Result<std::vector<double>> known_reals(size_t i) const;
  Result<std::vector<int64_t>> known_integers(size_t i) const;
  /// Input `i`, or the attribute of older opsets; empty without either.
  Result<std::vector<int64_t>> integers_of(size_t i, std::string_view attribute) const;

  bool is_known(Value value) const { return emitter_.is_known(value); }
  bool is_constant(Value value) const { return emitter_.is_constant(value); }
  std::vector<double> values(Value value) const { return emitter_.values(value); }
  Shape shape(Value value) const { return emitter_.shape(value); }
  int rank(Value value) const { return shape(value).rank(); }
  DType dtype(Value value) const { return emitter_.dtype(value); }
  /// `axis` counted from the front. Malformed when it is none of `rank`.
  Result<int> axis_of(int64_t axis, int rank) const;

  // The Graph's operators. Results are of the first input's type unless another is named.
  Value emit(std::string_view op, const std::vector<Value>& inputs, graph::Attrs attrs = {}) {
    return emit_as(inputs[0].type, op, inputs, std::move(attrs));
  }
  Value emit_as(ElementType type, std::string_view op, const std::vector<Value>& inputs,
                graph::Attrs attrs = {}) {
    return failed() ? Value{} : emitter_.emit(op, inputs, std::move(attrs), type);
  }
  Value emit_as_written(ElementType type, std::string_view op, const std::vector<Value>& inputs,
                        graph::Attrs attrs = {}) {
    return failed() ? Value{} : emitter_.emit_as_written(op, inputs, std::move(attrs), type);
  }
  /// All outputs of an operator; none after a mistake.
  std::vector<Value> emit_all(std::string_view op, const std::vector<Value>& inputs,
                              graph::Attrs attrs, std::span<const ElementType> types) {
    return failed() ? std::vector<Value>() : emitter_.emit_all(op, inputs, std::move(attrs), types);
  }
  /// The number of rows is known only when the network runs (open_rows.hpp); along `axis`, or any.
  bool has_open_rows(Value value, std::optional<int> axis = {}) const;
  void open_rows(Value value, const OpenRows& rows) { emitter_.open_rows(value, rows); }
  Value levels(const std::vector<double>& values, const Shape& shape, ElementType type) {
    return emitter_.levels(values, shape, type);
  }
  Value reshape(Value x, const std::vector<int64_t>& extents);
  Value transpose(Value x, const std::vector<int64_t>& perm);
  Value broadcast(Value x, const Shape& shape);
  Value slice(Value x, int axis, int64_t start, int64_t size);
  /// x along `axis` at these positions, all of which exist.
  Value gather(Value x, int axis, const std::vector<int64_t>& positions);
  Value constant(const std::vector<double>& values, const Shape& shape, ElementType type) {
    return emitter_.constant(values, shape, type);
  }
  Value scalar(double value, ElementType type) { return constant({value}, Shape{}, type); }
  /// 1 where x is not 0, as a bool.
  Value truth(Value x);
  /// The value as it is, of another element type: f32, f64 or u8 by `type`, without rounding.
  Value convert(Value x, ElementType type);

  Result<Value> stored(const format::onnx::TensorData& tensor);
  void set_output(size_t i, Value value);
  /// The output is named by the file, so somebody reads it.
  bool wants_output(size_t i) const {
    return i < node_.outputs.size() && !node_.outputs[i].empty();
  }
  /// Builds a branch and makes its outputs this node's.
  Status build_branch(const format::onnx::GraphData& branch);
  /// Builds a loop's body for these inputs; the values of its outputs.
  Result<std::vector<Value>> build_body(const format::onnx::GraphData& body,
                                        std::span<const Value> inputs);

  bool failed() const;
  Error unsupported(std::string_view what) const;
  Error malformed(std::string_view what) const;

 private:
  Importer& importer_;
  Emitter& emitter_;
  const format::onnx::NodeData& node_;
  std::vector<Value> inputs_;
};

}  // namespace verge::onnx
