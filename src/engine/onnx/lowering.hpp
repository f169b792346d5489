#pragma once
// Lowering: what a function of lowering/ sees of one node of a Graph, and the nodes of ONNX to say
// it with. Each file of lowering/ defines a group; the table of all is generated from the names.

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/format/onnx/types.hpp>
#include <verge/engine/graph/ir.hpp>

namespace verge::onnx {

/// How ONNX holds values of this type.
format::onnx::ElementType element_type(DType dtype);

format::onnx::Attribute attribute(std::string name, int64_t value);
format::onnx::Attribute attribute(std::string name, double value);
format::onnx::Attribute attribute(std::string name, std::string value);
format::onnx::Attribute attribute(std::string name, std::vector<int64_t> values);

/// The graph of the file while it is made: its nodes, constants, and what values are called.
class OnnxGraph {
 public:
  using Attributes = std::vector<format::onnx::Attribute>;

  explicit OnnxGraph(format::onnx::GraphData& graph) : graph_(graph) {}

  /// A name that no value has yet: `wanted`, or it with a number.
  std::string fresh(const std::string& wanted);
  void node(std::string_view op, std::vector<std::string> inputs, std::string output,
            Attributes attributes = {});
  void node(std::string_view op, std::vector<std::string> inputs, std::vector<std::string> outputs,
            Attributes attributes);
  /// A constant of the file; made once for equal lists and numbers.
  std::string integers(const std::vector<int64_t>& values);
  std::string number(double value, DType dtype);
  void constant(const std::string& name, const TensorView& values,
                std::shared_ptr<const void> owner);
  /// Nodes from here on carry this layer's name.
  void source(std::string layer) { source_ = std::move(layer); }

 private:
  format::onnx::GraphData& graph_;
  std::set<std::string> names_;
  std::map<std::vector<int64_t>, std::string> integers_;
  std::map<std::pair<double, DType>, std::string> numbers_;
  std::string source_;
};

class Lowering {
 public:
  using Attributes = OnnxGraph::Attributes;

  Lowering(OnnxGraph& onnx, const graph::Graph& graph, const graph::Node& node,
           const std::vector<std::string>& names)
      : node(node), graph_(graph), onnx_(onnx), names_(names) {}

  const graph::Node& node;

  bool has(size_t i) const { return i < node.inputs.size() && node.inputs[i] != graph::kNone; }
  const std::string& in(size_t i) const { return names_[static_cast<size_t>(node.inputs[i])]; }
  const graph::Type& type(size_t i) const { return graph_.value(node.inputs[i]).type; }
  const graph::Type& result_type() const { return graph_.value(node.outputs[0]).type; }
  size_t rank(size_t i) const { return type(i).dims.size(); }

  /// A node whose result the next one reads.
  std::string add(std::string_view op, std::vector<std::string> inputs, Attributes attributes = {});
  /// The node that gives output 0.
  void finish(std::string_view op, std::vector<std::string> inputs, Attributes attributes = {});

  /// The same of a node with two results; the name of the second.
  std::string finish_pair(std::string_view op, std::vector<std::string> inputs,
                          Attributes attributes);
  /// Output `output`: `x` as another type.
  void finish_cast(size_t output, const std::string& x, format::onnx::ElementType to);

  std::string integers(const std::vector<int64_t>& values) { return onnx_.integers(values); }
  std::string number(double value) { return number(value, result_type().dtype); }
  std::string number(double value, DType dtype) { return onnx_.number(value, dtype); }
  std::string cast(std::string x, format::onnx::ElementType to);
  /// The activation (graph/activation.hpp) of x.
  std::string activation(std::string_view name, const std::string& x);
  Status unsupported(std::string_view what) const;

 private:
  const graph::Graph& graph_;
  OnnxGraph& onnx_;
  const std::vector<std::string>& names_;
};

struct LoweredOp {
  std::string_view name;  // of the Graph's operator
  Status (*lower)(Lowering& to) = nullptr;
  size_t outputs = 1;  // that it gives
};

struct LoweringGroup {
  std::span<const LoweredOp> ops;
};

/// How to say the Graph's operator of this name in ONNX, or nullptr.
const LoweredOp* find_lowering(std::string_view op);

namespace lowering {
std::span<const LoweringGroup> table();  // generated from the files of lowering/
}

}  // namespace verge::onnx
