#include <algorithm>
#include <cstring>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/type_check.hpp>
#include <verge/engine/onnx/emitter.hpp>

namespace verge::onnx {
namespace {

using format::onnx::TensorData;
using graph::kNone;
using graph::ValueId;
using graph::ValueKind;

// What is computed here at most: results no larger than what they come from, or so many elements;
// and in all so much work (references do roughly 1e8 operations a second), and some for each
// element that the file stores.
constexpr int64_t kMostElements = 1 << 16;
constexpr double kFreeWork = 1e8, kWorkOfElement = 16;
// A file of some bytes may ask for long lists (Range, Tile, Resize) and long unrolled loops (LSTM):
// so many elements and nodes in all.
constexpr int64_t kMostMade = 1 << 22, kMostNodes = 1 << 17;

// Operators that may have an empty input: lists of extents are cut and joined.
constexpr std::string_view kMayBeEmpty[] = {"concat", "slice",  "reshape",
                                            "cast",   "gather", "broadcast_to"};

/// The elements of a file's tensor as doubles.
std::vector<double> read_values(const TensorData& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.count()));
  const auto read = [&]<typename T>(T) {
    for (size_t i = 0; i < values.size(); ++i) {
      T value;
      std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
      values[i] = static_cast<double>(value);
    }
  };
  const auto read_halves = [&](float (*widen)(uint16_t)) {
    for (size_t i = 0; i < values.size(); ++i) {
      uint16_t value = 0;
      std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
      values[i] = widen(value);
    }
  };
  switch (tensor.type) {
    case ElementType::Float:
      read(float());
      break;
    case ElementType::Double:
      read(double());
      break;
    case ElementType::Float16:
      read_halves([](uint16_t h) { return f16_to_f32(h); });
      break;
    case ElementType::Bfloat16:
      read_halves([](uint16_t h) { return bf16_to_f32(h); });
      break;
    case ElementType::Uint8:
    case ElementType::Bool:
      read(uint8_t());
      break;
    case ElementType::Int8:
      read(int8_t());
      break;
    case ElementType::Uint16:
      read(uint16_t());
      break;
    case ElementType::Int16:
      read(int16_t());
      break;
    case ElementType::Uint32:
      read(uint32_t());
      break;
    case ElementType::Int32:
      read(int32_t());
      break;
    case ElementType::Uint64:
      read(uint64_t());
      break;
    default:
      read(int64_t());
  }
  return values;
}

graph::Dims dims_of(const Shape& shape) {
  return {shape.extents().begin(), shape.extents().end()};
}

}  // namespace

DType graph_dtype(ElementType type) {
  switch (type) {
    case ElementType::Float:
    case ElementType::Float16:
    case ElementType::Bfloat16:
      return DType::F32;
    case ElementType::Bool:
      return DType::U8;
    default:
      return DType::F64;
  }
}

Emitter::Emitter(const std::string& name)
    : builder_(name), elements_left_(kMostMade), nodes_left_(kMostNodes), work_left_(kFreeWork) {}

Value Emitter::emit(std::string_view op, const std::vector<Value>& inputs, graph::Attrs attrs,
                    ElementType type) {
  const Value result = emit_as_written(op, inputs, std::move(attrs), type);
  if (!result) return {};
  std::vector<ValueId> ids;
  for (Value value : inputs) ids.push_back(value.id);
  if (can_fold(ids, result.id)) {
    fold(result.id);
    return result;
  }
  ids.push_back(result.id);
  return expect_elements(op, ids) ? result : Value{};
}

std::vector<Value> Emitter::emit_all(std::string_view op, const std::vector<Value>& inputs,
                                     graph::Attrs attrs, std::span<const ElementType> types) {
  if (!emit_as_written(op, inputs, std::move(attrs), types[0])) return {};
  const graph::Node& node = builder_.graph().nodes.back();
  std::vector<ValueId> ids = node.inputs;
  ids.insert(ids.end(), node.outputs.begin(), node.outputs.end());
  if (!expect_elements(op, ids)) return {};
  std::vector<Value> results;
  for (size_t i = 0; i < types.size(); ++i) {
    results.push_back({builder_.graph().nodes.back().outputs[i], types[i]});
  }
  return results;
}

bool Emitter::expect_elements(std::string_view op, const std::vector<ValueId>& ids) {
  for (ValueId value : ids) {
    if (value == kNone || shape({value}).count() > 0) continue;
    builder_.fail(
        make_error(Code::Unsupported, "{}: a tensor {} is empty", op, shape({value}).str()));
    return false;
  }
  return true;
}

Value Emitter::emit_as_written(std::string_view op, const std::vector<Value>& inputs,
                               graph::Attrs attrs, ElementType type) {
  if (!spend_nodes(1)) return {};
  std::vector<ValueId> ids;
  for (Value value : inputs) ids.push_back(value.id);
  const ValueId id = builder_.op(op, ids, std::move(attrs));
  if (id == kNone) return {};
  const auto& outputs = builder_.graph().nodes.back().outputs;
  for (ValueId output : outputs) {
    const graph::Type& result = builder_.type(output);
    if (const Status status = check_type(builder_.graph(), result); !status) {
      builder_.fail(make_error(status.error().code, "{}: {}", op, status.error().message));
      return {};
    }
  }
  if (const Status status = follow_rows(builder_.graph().nodes.back()); !status) {
    builder_.fail(status.error());
    return {};
  }
  constants_.resize(builder_.graph().values.size());
  constants_[static_cast<size_t>(id)] =
      std::ranges::all_of(inputs, [&](Value value) { return !value || is_constant(value); });
  return {id, type};
}

bool Emitter::is_constant(Value value) const {
  const auto at = static_cast<size_t>(value.id);
  return is_known(value) || (value && at < constants_.size() && constants_[at]);
}

Value Emitter::levels(const std::vector<double>& values, const Shape& shape, ElementType type) {
  const DType dtype = type == ElementType::Int8    ? DType::I8
                      : type == ElementType::Uint8 ? DType::U8
                                                   : DType::I32;
  const double least = dtype == DType::I32 ? INT32_MIN : graph::least_level(dtype);
  const double most = dtype == DType::I32 ? INT32_MAX : graph::largest_level(dtype);
  std::vector<double> held = values;
  for (double& value : held) value = std::clamp(value, least, most);
  Tensor tensor(dtype, shape);
  graph::store(tensor.view(), held);
  const std::string name = fmt::format("levels#{}", builder_.graph().values.size());
  return {builder_.constant(name, std::move(tensor)), type};
}

bool Emitter::can_fold(const std::vector<ValueId>& inputs, ValueId output) const {
  const std::string_view op = builder_.graph().nodes.back().op->name;
  int64_t elements = 0;
  bool is_empty = shape({output}).count() == 0;
  for (ValueId id : inputs) {
    if (id == kNone) continue;
    if (!known(id)) return false;
    elements += shape({id}).count();
    is_empty = is_empty || shape({id}).count() == 0;
  }
  if (is_empty) return std::ranges::count(kMayBeEmpty, op) > 0;
  return shape({output}).count() <= std::max(kMostElements, elements) && work_left_ > 0;
}

// Runs the node just appended by its reference, and forgets it.
void Emitter::fold(ValueId output) {
  graph::Graph& graph = builder_.graph();
  const graph::Node node = graph.nodes.back();
  std::vector<TensorView> inputs, outputs(node.outputs.size());
  for (ValueId id : node.inputs) inputs.push_back(id == kNone ? TensorView{} : *known(id));
  const graph::Type type = builder_.type(output);
  Tensor result(type.dtype, graph.bound_shape(type));
  outputs[0] = result.view();
  const graph::KernelCall call{inputs, outputs, node.attrs};
  const double work =
      std::max(graph::cost_of(*node.op, call).flops, static_cast<double>(result.shape().count()));
  if (work > work_left_) return;
  work_left_ -= work;
  if (result.shape().count() > 0) node.op->reference(call);
  graph.nodes.pop_back();
  follow_origin(node);
  graph::Value& value = graph.value(output);
  weights_.resize(graph.values.size());
  if (type.dtype != DType::F32 || result.shape().count() <= 1) {
    value.kind = ValueKind::Const;
    value.data = std::make_shared<const Tensor>(std::move(result));
    return;
  }
  value.kind = ValueKind::Param;
  const auto owner = std::make_shared<const Tensor>(std::move(result));
  weights_[static_cast<size_t>(output)] = Weight{value.name, owner->view(), owner, {}, true};
}

// What moves the elements of a stored tensor keeps its name.
void Emitter::follow_origin(const graph::Node& node) {
  const auto input = static_cast<size_t>(node.inputs[0]);
  if (input >= origins_.size() || origins_[input].tensor.empty()) return;
  WeightOrigin origin = origins_[input];
  if (node.op->name == "transpose" && shape({node.inputs[0]}).rank() == 2) {
    if (node.attrs.list("perm")[0] == 1) origin.is_transposed = !origin.is_transposed;
  } else if (node.op->name != "reshape" || origin.is_transposed) {
    return;
  }
  name_origin(node.outputs[0], std::move(origin));
}

void Emitter::name_origin(ValueId id, WeightOrigin origin) {
  origins_.resize(builder_.graph().values.size());
  builder_.graph().value(id).name = fmt::format("{}#{}", origin.tensor, id);
  origins_[static_cast<size_t>(id)] = std::move(origin);
}

Value Emitter::input(const std::string& name, ElementType type, const Shape& shape) {
  return {builder_.input(name, {graph_dtype(type), dims_of(shape)}), type};
}

// Single numbers are constants, which passes look into; all else is a weight or a list.
Value Emitter::keep(Tensor tensor, ElementType type, const std::string& name) {
  if (tensor.dtype() != DType::F32 || tensor.shape().count() <= 1) {
    return {builder_.constant(name, std::move(tensor)), type};
  }
  const auto owner = std::make_shared<const Tensor>(std::move(tensor));
  const ValueId id = builder_.param(name, {DType::F32, dims_of(owner->shape())});
  weights_.resize(builder_.graph().values.size());
  weights_.back() = Weight{name, owner->view(), owner, {}, true};
  return {id, type};
}

Result<Value> Emitter::stored(const TensorData& tensor, const std::shared_ptr<const void>& file) {
  if (const auto found = stored_.find(&tensor); found != stored_.end()) return found->second;
  VERGE_TRY(const Value value, read_stored(tensor, file));
  stored_.emplace(&tensor, value);
  origins_.resize(builder_.graph().values.size());
  origins_[static_cast<size_t>(value.id)].tensor = tensor.name;
  return value;
}

Result<Value> Emitter::read_stored(const TensorData& tensor,
                                   const std::shared_ptr<const void>& file) {
  const int64_t width = element_bytes(tensor.type);
  if (width == 0 || tensor.dims.size() > Shape::kMaxRank) {
    return make_error(Code::Unsupported, "tensor \"{}\" is of {} with {} axes", tensor.name,
                      format::onnx::name(tensor.type), tensor.dims.size());
  }
  if (static_cast<int64_t>(tensor.bytes.size()) != tensor.count() * width) {
    return make_error(Code::Unsupported, "tensor \"{}\": its values lie in another file",
                      tensor.name);
  }
  const Shape shape{std::span<const int64_t>(tensor.dims)};
  work_left_ += kWorkOfElement * static_cast<double>(shape.count());
  // The number keeps names of weights apart: branches may use one twice.
  const std::string name = fmt::format("{}#{}", tensor.name, builder_.graph().values.size());
  const auto address = reinterpret_cast<uintptr_t>(tensor.bytes.data());
  if (tensor.type == ElementType::Float && shape.count() > 1 && address % alignof(float) == 0) {
    const ValueId id = builder_.param(name, {DType::F32, dims_of(shape)});
    weights_.resize(builder_.graph().values.size());
    auto* data = const_cast<std::byte*>(tensor.bytes.data());
    weights_.back() = Weight{name, {data, DType::F32, shape}, tensor.owner ? tensor.owner : file};
    return Value{id, tensor.type};
  }
  Tensor copy(graph_dtype(tensor.type), shape);
  if (shape.count() == 0) return keep(std::move(copy), tensor.type, name);
  if (tensor.type == ElementType::Float) {
    std::memcpy(copy.view().data, tensor.bytes.data(), tensor.bytes.size());
  } else {
    graph::store(copy.view(), read_values(tensor));
  }
  return keep(std::move(copy), tensor.type, name);
}

Value Emitter::constant(const std::vector<double>& values, const Shape& shape, ElementType type) {
  if (!spend_elements(shape.count())) return {};
  Tensor tensor(graph_dtype(type), shape);
  if (!values.empty()) graph::store(tensor.view(), values);
  return keep(std::move(tensor), type, fmt::format("constant#{}", builder_.graph().values.size()));
}

Value Emitter::indices(const std::vector<int64_t>& values) {
  if (!spend_elements(static_cast<int64_t>(values.size()))) return {};
  Tensor tensor(DType::I32, Shape{static_cast<int64_t>(values.size())});
  std::ranges::transform(values, tensor.span<int32_t>().begin(),
                         [](int64_t value) { return static_cast<int32_t>(value); });
  const std::string name = fmt::format("indices#{}", builder_.graph().values.size());
  return {builder_.constant(name, std::move(tensor)), ElementType::Int32};
}

Value Emitter::as_number(Value value) {
  if (!value || value.type == ElementType::Bool || !graph::is_level(dtype(value))) return value;
  return emit("cast", {value}, {{"to", std::string(name(DType::F64))}}, value.type);
}

std::optional<TensorView> Emitter::known(ValueId id) const {
  const graph::Value& value = builder_.graph().value(id);
  if (value.kind == ValueKind::Const) return value.data->view();
  const auto at = static_cast<size_t>(id);
  if (at < weights_.size() && weights_[at]) return weights_[at]->view;
  return std::nullopt;
}

Status Emitter::follow_rows(const graph::Node& node) {
  std::vector<std::optional<OpenRows>> inputs;
  for (ValueId id : node.inputs) inputs.push_back(open_rows({id}));
  VERGE_TRY(const auto rows, open_rows_of(builder_.graph(), node, inputs));
  if (rows) open_rows({node.outputs[0]}, *rows);
  return {};
}

std::optional<OpenRows> Emitter::open_rows(Value value) const {
  const auto at = static_cast<size_t>(value.id);
  return value && at < rows_.size() ? rows_[at] : std::nullopt;
}

void Emitter::open_rows(Value value, const OpenRows& rows) {
  rows_.resize(std::max(rows_.size(), static_cast<size_t>(value.id) + 1));
  rows_[static_cast<size_t>(value.id)] = rows;
}

bool Emitter::spend_nodes(int64_t count) {
  nodes_left_ -= std::min(count, nodes_left_ + 1);
  if (nodes_left_ < 0) {
    builder_.fail(make_error(Code::Unsupported, "the network has more than {} nodes", kMostNodes));
  }
  return !builder_.failed();
}

bool Emitter::spend_elements(int64_t count) {
  elements_left_ -= std::min(count, elements_left_ + 1);
  if (elements_left_ < 0) {
    builder_.fail(make_error(Code::Unsupported,
                             "the network makes constants of more than {} elements", kMostMade));
  }
  return !builder_.failed();
}

std::vector<double> Emitter::values(Value value) const {
  return graph::load(*known(value.id));
}

Shape Emitter::shape(Value value) const {
  if (!value) return {};
  return builder_.graph().bound_shape(builder_.type(value.id));
}

std::vector<Weight> Emitter::take_weights() {
  std::vector<Weight> weights;
  for (size_t id = 0; id < weights_.size(); ++id) {
    if (!weights_[id]) continue;
    weights.push_back(std::move(*weights_[id]));
    if (id < origins_.size()) weights.back().origin = std::move(origins_[id]);
  }
  return weights;
}

}  // namespace verge::onnx
