#include <algorithm>
#include <set>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/onnx/importer.hpp>
#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx {
namespace {

using format::onnx::GraphData;
using format::onnx::NodeData;
using format::onnx::TensorData;
using format::onnx::ValueInfo;

constexpr int64_t kMostInputElements = int64_t{1} << 40;
// Operators that take levels as they are (graph/levels.hpp); others see integers as f64.
constexpr std::string_view kTakeLevels[] = {
    "ConvInteger", "DequantizeLinear", "Flatten", "Identity", "MatMulInteger", "MaxPool",
    "QLinearConv", "QLinearMatMul",    "Reshape", "Squeeze",  "Transpose",     "Unsqueeze"};

std::string show_extents(const ValueInfo& input) {
  std::string text;
  for (const auto& extent : input.dims) {
    if (!text.empty()) text += "x";
    if (extent.value >= 0) {
      text += fmt::format("{}", extent.value);
    } else {
      text += extent.symbol.empty() ? "?" : extent.symbol;
    }
  }
  return text.empty() ? "a single value" : text;
}

std::optional<Shape> fixed_shape(const ValueInfo& input) {
  if (!input.has_shape || input.dims.size() > Shape::kMaxRank) return std::nullopt;
  std::vector<int64_t> extents;
  for (const auto& extent : input.dims) {
    if (extent.value < 0) return std::nullopt;
    extents.push_back(extent.value);
  }
  return Shape(std::span<const int64_t>(extents));
}

// Extents may come from a damaged file: their product must not overflow.
bool is_countable(const Shape& shape) {
  int64_t count = 1;
  for (int64_t extent : shape.extents()) {
    if (extent < 1 || extent > kMostInputElements / count) return false;
    count *= extent;
  }
  return true;
}

bool fits(const ValueInfo& input, const Shape& shape) {
  if (!is_countable(shape)) return false;
  if (!input.has_shape) return true;
  if (static_cast<int>(input.dims.size()) != shape.rank()) return false;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const int64_t wanted = input.dims[static_cast<size_t>(axis)].value;
    if (wanted >= 0 && wanted != shape[axis]) return false;
  }
  return true;
}

}  // namespace

Importer::Importer(const format::onnx::Onnx& file, std::span<const InputBinding> bindings)
    : file_(file), bindings_(bindings), emitter_(file.model().graph.name) {}

Status Importer::bind_input(const ValueInfo& input) {
  const auto binding = std::ranges::find(bindings_, input.name, &InputBinding::name);
  const bool is_bound = binding != bindings_.end();
  const std::optional<Shape> shape = is_bound ? binding->shape : fixed_shape(input);
  if (!input.is_tensor || element_bytes(input.type) == 0) {
    return make_error(Code::Unsupported, "input \"{}\" is no tensor of numbers", input.name);
  }
  if (!shape) {
    return make_error(Code::InvalidArgument, "input \"{}\" is {}: say how large it is", input.name,
                      show_extents(input));
  }
  if (!fits(input, *shape)) {
    return make_error(Code::InvalidArgument, "input \"{}\" is {}, not {}", input.name,
                      show_extents(input), shape->str());
  }
  Port port{input.name, input.type, *shape, input.name, nullptr};
  Value value;
  if (!is_float(input.type) && shape->rank() <= 1 && shape->count() == 1) {
    if (!is_bound || !binding->value) {
      return make_error(Code::InvalidArgument,
                        "input \"{}\" is a single {}, which may choose what the network computes: "
                        "give its value",
                        input.name, name(input.type));
    }
    value = emitter_.constant({*binding->value}, *shape, input.type);
    port.value.clear();
    port.known = emitter_.builder().graph().value(value.id).data;
  } else {
    value = emitter_.input(input.name, input.type, *shape);
  }
  network_.inputs.push_back(std::move(port));
  return define(input.name, value);
}

Status Importer::bind_inputs() {
  const std::vector<ValueInfo> inputs = inputs_of(file_);
  std::set<std::string_view> known;
  for (const ValueInfo& input : inputs) known.insert(input.name);
  for (const InputBinding& binding : bindings_) {
    if (known.contains(binding.name)) continue;
    std::string names;
    for (const ValueInfo& input : inputs) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", input.name);
    }
    return make_error(Code::InvalidArgument, "no input is named \"{}\"; there are {}", binding.name,
                      names);
  }
  for (const ValueInfo& input : inputs) VERGE_RETURN_IF_ERROR(bind_input(input));
  return {};
}

Status Importer::define(const std::string& name, Value value) {
  Scope& scope = scopes_.back();
  if (!scope.stored.contains(name) && scope.values.emplace(name, value).second) return {};
  return make_error(Code::Malformed, "\"{}\" is defined twice", name);
}

Result<Value> Importer::find(const std::string& name) {
  if (name.empty()) return Value{};
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto found = scope->values.find(name); found != scope->values.end()) {
      return found->second;
    }
    const auto stored = scope->stored.find(name);
    if (stored == scope->stored.end()) continue;
    VERGE_TRY(const Value value, emitter_.stored(*stored->second, file_.file()));
    scope->values[name] = value;
    return value;
  }
  return make_error(Code::Malformed, "\"{}\" is computed by no node before it", name);
}

Result<Value> Importer::find_output(const ValueInfo& output) {
  VERGE_TRY(const Value value, find(output.name));
  if (value) return value;
  return make_error(Code::Malformed, "an output of the graph has no name");
}

Status Importer::build_node(const NodeData& node, size_t index) {
  const std::string label =
      node.name.empty() ? fmt::format("{}_{}", node.op_type, index) : node.name;
  const auto fail = [&](const Error& error) {
    return make_error(error.code, "node {} {} \"{}\": {}", index, node.op_type, label,
                      error.message);
  };
  const OnnxOp* op = node.domain.empty() ? find_onnx_op(node.op_type) : nullptr;
  if (op == nullptr) {
    return fail(make_error(Code::Unsupported, "Verge has no operator for it; see `verge inspect`"));
  }
  std::vector<Value> inputs;
  for (const std::string& name : node.inputs) {
    auto value = find(name);
    if (!value) return fail(value.error());
    inputs.push_back(*value);
  }
  emitter_.builder().source(label);
  if (std::ranges::count(kTakeLevels, node.op_type) == 0) {
    for (Value& value : inputs) value = emitter_.as_number(value);
  }
  NodeContext context(*this, emitter_, node, std::move(inputs));
  if (const Status status = op->build(context); !status) return fail(status.error());
  if (!emitter_.builder().failed()) return {};
  return fail(emitter_.builder().finish().error());
}

Status Importer::build(const GraphData& graph) {
  for (const TensorData& tensor : graph.initializers) {
    if (scopes_.back().stored.emplace(tensor.name, &tensor).second) continue;
    return make_error(Code::Malformed, "tensor \"{}\" is stored twice", tensor.name);
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    VERGE_RETURN_IF_ERROR(build_node(graph.nodes[i], i));
  }
  return {};
}

Result<std::vector<Value>> Importer::build_branch(const GraphData& branch,
                                                  std::span<const Value> inputs) {
  if (!emitter_.spend_nodes(
          1 + static_cast<int64_t>(branch.nodes.size() + branch.initializers.size()))) {
    return emitter_.builder().finish().error();
  }
  scopes_.emplace_back();
  for (size_t i = 0; i < std::min(inputs.size(), branch.inputs.size()); ++i) {
    VERGE_RETURN_IF_ERROR(define(branch.inputs[i].name, inputs[i]));
  }
  VERGE_RETURN_IF_ERROR(build(branch));
  std::vector<Value> outputs;
  for (const ValueInfo& output : branch.outputs) {
    VERGE_TRY(const Value value, find_output(output));
    outputs.push_back(value);
  }
  scopes_.pop_back();
  return outputs;
}

// That no value of the Graph has, nor will have as an output.
std::string Importer::free_name(std::string name) const {
  const auto is_taken = [&] {
    return emitter_.builder().graph().find(name) != graph::kNone ||
           std::ranges::count(file_.model().graph.outputs, name, &ValueInfo::name) > 0;
  };
  while (is_taken()) name += "_";
  return name;
}

// Constants are kept beside the Graph; an input that is an output as well is read where it lies.
Port Importer::port_of(const ValueInfo& output, Value value) {
  Port port{output.name, value.type, emitter_.shape(value), "", nullptr};
  if (emitter_.is_known(value)) {
    Tensor copy(emitter_.dtype(value), port.shape);
    if (port.shape.count() > 0) graph::store(copy.view(), emitter_.values(value));
    port.known = std::make_shared<const Tensor>(std::move(copy));
    return port;
  }
  graph::Builder& builder = emitter_.builder();
  const graph::Value& in_graph = builder.graph().value(value.id);
  if (in_graph.kind != graph::ValueKind::Input && !in_graph.is_output) {
    builder.output(value.id, output.name);
  }
  port.value = builder.graph().value(value.id).name;
  if (const auto rows = emitter_.open_rows(value)) {
    const graph::Value& count = builder.graph().value(rows->count);
    if (!count.is_output) builder.output(rows->count, free_name("rows of " + output.name));
    port.rows = {rows->axis, rows->most, builder.graph().value(rows->count).name};
  }
  return port;
}

Status Importer::name_outputs() {
  for (const ValueInfo& output : file_.model().graph.outputs) {
    VERGE_TRY(const Value value, find_output(output));
    network_.outputs.push_back(port_of(output, value));
  }
  return {};
}

Result<Network> Importer::run() {
  scopes_.emplace_back();
  VERGE_RETURN_IF_ERROR(bind_inputs());
  VERGE_RETURN_IF_ERROR(build(file_.model().graph));
  VERGE_RETURN_IF_ERROR(name_outputs());
  VERGE_TRY(network_.graph, emitter_.builder().finish());
  network_.weights = emitter_.take_weights();
  return std::move(network_);
}

}  // namespace verge::onnx
