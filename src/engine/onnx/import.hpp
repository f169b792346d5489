#pragma once
// import_onnx: the Graph of an ONNX file for inputs of given shapes. All extents are constants:
// what the file computes from them (Shape, Gather, Concat into Reshape) is computed here, so each
// set of shapes has a Graph of its own. Numbers that ONNX holds as integers are f64 in the Graph,
// exact up to 2^53; half-precision weights are widened to f32.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/engine/format/onnx/reader.hpp>
#include <verge/engine/graph/ir.hpp>

namespace verge::onnx {

/// What is known of an input before the network is compiled.
struct InputBinding {
  std::string name = {};
  Shape shape = {};
  /// Needed for an input of a single integer or truth value (a sampling rate, a switch): it becomes
  /// a constant, because exporters let such inputs choose branches and shapes.
  std::optional<double> value = {};
};

/// Of an output whose extent along an axis is known only after a run: NonMaxSuppression's.
struct PortRows {
  int axis = 0;
  int64_t most = INT64_MAX;
  std::string count = {};  // the value of the Graph, i32 [1], that says how many; empty: all
};

/// An input or output of the network.
struct Port {
  std::string name = {};
  format::onnx::ElementType type = format::onnx::ElementType::Undefined;
  Shape shape = {};
  std::string value = {};                    // its name in the Graph; empty for a constant
  std::shared_ptr<const Tensor> known = {};  // of a constant
  PortRows rows = {};                        // `shape` is that of the most there can be
};

/// The stored tensor whose values a weight has, where it has them unchanged but for their order.
struct WeightOrigin {
  std::string tensor = {};     // its name in the file; empty: computed from several, or rounded
  bool is_transposed = false;  // a matrix by its columns
};

struct Weight {
  std::string name = {};
  TensorView view = {};
  std::shared_ptr<const void> owner = {};
  WeightOrigin origin = {};
  bool is_copy = false;  // its values lie beside those of the file
};

struct Network {
  graph::Graph graph = {};
  std::vector<Weight> weights = {};  // the Params of the graph
  std::vector<Port> inputs = {};     // those with a constant value have no place in the graph
  std::vector<Port> outputs = {};
};

/// What a file's input must be given: inputs that are initializers need nothing.
std::vector<format::onnx::ValueInfo> inputs_of(const format::onnx::Onnx& file);

/// Whether an input is a single integer or truth value, as far as the file says.
bool is_switch(const format::onnx::ValueInfo& input);

/// Nodes of the file that Verge has no operator for, one line an operator:
/// `TopK: 2 nodes, the first "/model/TopK"`. Branches of If included.
std::vector<std::string> unsupported_operators(const format::onnx::Onnx& file);

/// The Graph of the file. Weights stay in the file's mapping where they are aligned f32 of more
/// than one element that the Graph reads as they are; others are copied: halves widened, unaligned
/// ones, and what is computed here from weights (a MatMul's matrix transposed). A Plan copies again
/// what its kernels want packed. Fails with InvalidArgument where a binding is missing or does not
/// fit, Unsupported for operators without a kernel (all of them in one error) or uses of one,
/// Malformed for what contradicts itself. Errors name the file's node.
Result<Network> import_onnx(const format::onnx::Onnx& file, std::span<const InputBinding> inputs);

}  // namespace verge::onnx
