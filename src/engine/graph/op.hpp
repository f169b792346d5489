#pragma once
// OpDef: everything the engine knows of one operator, in one file under ops/. The table of
// operators is generated from the file names: ops/x.cpp defines `OpDef x()`.

#include <optional>
#include <span>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

class Builder;

/// What a shape rule sees: types of the inputs and the attributes; it fills `outputs`.
struct InferContext {
  const Graph& graph;
  const Node& node;
  std::vector<Type> outputs;

  bool has(size_t input) const { return input < node.inputs.size() && node.inputs[input] != kNone; }
  const Type& type(size_t input) const { return graph.value(node.inputs[input]).type; }
  const Dims& dims(size_t input) const { return type(input).dims; }
  int rank(size_t input) const { return static_cast<int>(dims(input).size()); }
  /// "linear (blk.0.ffn_down): x is [tokens, 64], weight is [64, 32]; ..." from a message.
  Error fail(std::string_view message) const;
  /// "[tokens, 64] f32", for messages.
  std::string show(size_t input) const;
  /// Fails unless the node has the inputs [0, count) that are not optional.
  Status require_inputs(size_t count) const;
};

/// What a gradient rule sees. It emits nodes through `builder` and reports one contribution an
/// input.
struct GradientContext {
  Builder& builder;
  const Node& node;
  std::span<const ValueId> output_grads;  // kNone where no gradient flows
  std::span<const bool> needed;           // by input
  std::vector<ValueId> input_grads;       // to be filled; kNone where not needed

  bool needs(size_t input) const { return input < needed.size() && needed[input]; }
  ValueId input(size_t i) const { return node.inputs[i]; }
  ValueId output(size_t i) const { return node.outputs[i]; }
  ValueId grad(size_t output = 0) const { return output_grads[output]; }
  void set(size_t input, ValueId gradient) { input_grads[input] = gradient; }
};

struct Cost {
  double flops = 0;
  double bytes = 0;  // read and written
};

/// One execution of an operator. Absent inputs and unread outputs have data == nullptr.
struct KernelCall {
  std::span<const TensorView> inputs;
  std::span<const TensorView> outputs;
  const Attrs& attrs;
  std::byte* workspace = nullptr;
  uint32_t packed = 0;           // bit i: input i is in a layout of engine/kernels, not in its own
  std::string_view choice = {};  // of the ways a kernel knows; empty: its first

  const TensorView& in(size_t i) const { return inputs[i]; }
  const TensorView& out(size_t i = 0) const { return outputs[i]; }
  bool has(size_t i) const { return i < inputs.size() && inputs[i].data != nullptr; }
  bool is_packed(size_t i) const { return (packed >> i & 1) != 0; }
  bool wants(size_t i) const { return i < outputs.size() && outputs[i].data != nullptr; }
};

/// Output `output` overwrites or may overwrite the memory of input `input`.
struct Alias {
  int8_t output;
  int8_t input;
  bool required;  // the operator updates in place (state, parameters); else merely allowed
};

struct OpDef {
  std::string_view name;
  /// Fills context.outputs from the inputs' types, or says what does not fit.
  Status (*infer)(InferContext& context) = nullptr;
  /// Emits the vector-Jacobian product; null where no gradient exists (updates, integer ops).
  void (*gradient)(GradientContext& context) = nullptr;
  /// Work at the given input and output shapes; null: elementwise, one FLOP per output element.
  Cost (*cost)(const KernelCall& call) = nullptr;
  /// The slow, obviously right kernel: f32 (or f64, for gradient checks) and every weight format.
  void (*reference)(const KernelCall& call) = nullptr;
  std::vector<Alias> aliases = {};
  /// Output 0 is input 0 under another shape: no work, the same memory.
  bool is_view = false;
  /// Whether outputs lie in a backend's memory, so that the planner gives them no place; null:
  /// never.
  bool (*is_elsewhere)(const Attrs& attrs) = nullptr;

  bool puts_elsewhere(const Attrs& attrs) const {
    return is_elsewhere != nullptr && is_elsewhere(attrs);
  }
};

/// Every operator, sorted by name.
std::span<const OpDef> all_ops();
/// The operator of this name, or nullptr.
const OpDef* find_op(std::string_view name);
/// The cost of a call by the operator's own rule or the elementwise default.
Cost cost_of(const OpDef& op, const KernelCall& call);

}  // namespace verge::graph
