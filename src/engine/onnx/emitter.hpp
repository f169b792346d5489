#pragma once
// Emitter: appends operators to the Graph and computes at once what depends on known values only.

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <verge/engine/format/onnx/types.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/onnx/import.hpp>
#include <verge/engine/onnx/open_rows.hpp>

namespace verge::onnx {

using format::onnx::ElementType;

/// A tensor of the file: its value in the Graph and what ONNX calls its elements.
struct Value {
  graph::ValueId id = graph::kNone;
  ElementType type = ElementType::Float;

  explicit operator bool() const { return id != graph::kNone; }
};

/// How the Graph holds elements of this type: f32, f64 (integers and doubles) or u8 (bool).
DType graph_dtype(ElementType type);

class Emitter {
 public:
  explicit Emitter(const std::string& name);

  /// Output 0 of the operator, of type `type`; nothing after a mistake (error()).
  Value emit(std::string_view op, const std::vector<Value>& inputs, graph::Attrs attrs,
             ElementType type);
  /// The same without computing it here, though its inputs may be known: for `dequantize`, which
  /// passes look for.
  Value emit_as_written(std::string_view op, const std::vector<Value>& inputs, graph::Attrs attrs,
                        ElementType type);
  /// All outputs of an operator, of these types, in order. Nothing of it is computed here.
  std::vector<Value> emit_all(std::string_view op, const std::vector<Value>& inputs,
                              graph::Attrs attrs, std::span<const ElementType> types);
  Value input(const std::string& name, ElementType type, const Shape& shape);
  /// A constant of the file: a Param where it lies, if it can; else a copy. One for each tensor,
  /// however often it is asked for: the rounds of a loop share it. The tensor outlives the Emitter.
  Result<Value> stored(const format::onnx::TensorData& tensor,
                       const std::shared_ptr<const void>& file);
  Value constant(const std::vector<double>& values, const Shape& shape, ElementType type);
  /// What is held as levels, as the f64 that integers are else.
  Value as_number(Value value);
  /// i32, for the operators of the Graph that want indices.
  Value indices(const std::vector<int64_t>& values);

  bool is_known(Value value) const { return value && known(value.id).has_value(); }
  /// Whether it follows from constants alone: known, or made of such by emit_as_written().
  bool is_constant(Value value) const;
  /// Small integers as the Graph's operators on levels want them (graph/levels.hpp).
  Value levels(const std::vector<double>& values, const Shape& shape, ElementType type);
  /// All elements of a known value.
  std::vector<double> values(Value value) const;
  /// Of nothing: of rank 0.
  Shape shape(Value value) const;
  DType dtype(Value value) const { return value ? builder_.type(value.id).dtype : DType::F32; }

  /// Which rows of it count (open_rows.hpp); nothing: all.
  std::optional<OpenRows> open_rows(Value value) const;
  void open_rows(Value value, const OpenRows& rows);
  /// Whether there may be so many more nodes of the file; fails the Graph if not.
  bool spend_nodes(int64_t count);

  graph::Builder& builder() { return builder_; }
  const graph::Builder& builder() const { return builder_; }
  std::vector<Weight> take_weights();

 private:
  std::optional<TensorView> known(graph::ValueId id) const;
  bool can_fold(const std::vector<graph::ValueId>& inputs, graph::ValueId output) const;
  void fold(graph::ValueId output);
  void follow_origin(const graph::Node& node);
  void name_origin(graph::ValueId id, WeightOrigin origin);
  /// Whether there may be so many more elements of constants made here; fails the Graph if not.
  bool spend_elements(int64_t count);
  bool expect_elements(std::string_view op, const std::vector<graph::ValueId>& ids);
  Status follow_rows(const graph::Node& node);
  Value keep(Tensor tensor, ElementType type, const std::string& name);
  Result<Value> read_stored(const format::onnx::TensorData& tensor,
                            const std::shared_ptr<const void>& file);

  graph::Builder builder_;
  std::vector<std::optional<Weight>> weights_;  // by ValueId
  std::vector<WeightOrigin> origins_;           // by ValueId: of stored tensors, as they lie there
  std::vector<bool> constants_;                 // by ValueId: not known, yet made of constants
  std::vector<std::optional<OpenRows>> rows_;   // by ValueId
  std::map<const format::onnx::TensorData*, Value> stored_;
  int64_t elements_left_, nodes_left_;  // that may still be made
  double work_left_;                    // what may still be computed here, in FLOPs
};

}  // namespace verge::onnx
