#include <algorithm>
#include <numbers>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/onnx/lowering.hpp>

namespace verge::onnx {

using format::onnx::AttributeKind;
using format::onnx::ElementType;

ElementType element_type(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return ElementType::Float;
    case DType::F64:
      return ElementType::Double;
    case DType::F16:
      return ElementType::Float16;
    case DType::BF16:
      return ElementType::Bfloat16;
    case DType::I8:
      return ElementType::Int8;
    case DType::U8:
      return ElementType::Uint8;
    case DType::I32:
      return ElementType::Int32;
    case DType::I64:
      return ElementType::Int64;
    default:
      return ElementType::Undefined;
  }
}

format::onnx::Attribute attribute(std::string name, int64_t value) {
  return {.name = std::move(name), .kind = AttributeKind::Int, .integer = value};
}
format::onnx::Attribute attribute(std::string name, double value) {
  return {.name = std::move(name), .kind = AttributeKind::Float, .real = value};
}
format::onnx::Attribute attribute(std::string name, std::string value) {
  return {.name = std::move(name), .kind = AttributeKind::String, .text = std::move(value)};
}
format::onnx::Attribute attribute(std::string name, std::vector<int64_t> values) {
  return {.name = std::move(name), .kind = AttributeKind::Ints, .integers = std::move(values)};
}

std::string OnnxGraph::fresh(const std::string& wanted) {
  const std::string base = wanted.empty() ? "value" : wanted;
  std::string name = base;
  for (int i = 1; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", base, i);
  return name;
}

void OnnxGraph::node(std::string_view op, std::vector<std::string> inputs, std::string output,
                     Attributes attributes) {
  node(op, std::move(inputs), std::vector<std::string>{std::move(output)}, std::move(attributes));
}

void OnnxGraph::node(std::string_view op, std::vector<std::string> inputs,
                     std::vector<std::string> outputs, Attributes attributes) {
  graph_.nodes.push_back({.op_type = std::string(op),
                          .name = fmt::format("{}{}{}_{}", source_, source_.empty() ? "" : "/", op,
                                              graph_.nodes.size()),
                          .inputs = std::move(inputs),
                          .outputs = std::move(outputs),
                          .attributes = std::move(attributes)});
}

void OnnxGraph::constant(const std::string& name, const TensorView& values,
                         std::shared_ptr<const void> owner) {
  const auto extents = values.shape.extents();
  graph_.initializers.push_back(
      {.name = name,
       .type = element_type(values.dtype),
       .dims = {extents.begin(), extents.end()},
       .bytes = {static_cast<const std::byte*>(values.data), static_cast<size_t>(values.bytes())},
       .owner = std::move(owner)});
}

std::string OnnxGraph::integers(const std::vector<int64_t>& values) {
  const auto [at, is_new] = integers_.try_emplace(values);
  if (!is_new) return at->second;
  auto tensor = std::make_shared<Tensor>(DType::I64, Shape{static_cast<int64_t>(values.size())});
  std::ranges::copy(values, tensor->span<int64_t>().begin());
  at->second = fresh("integers");
  constant(at->second, tensor->view(), tensor);
  return at->second;
}

std::string OnnxGraph::number(double value, DType dtype) {
  const auto [at, is_new] = numbers_.try_emplace({value, dtype});
  if (!is_new) return at->second;
  auto tensor = std::make_shared<Tensor>(dtype, Shape{});
  graph::store(tensor->view(), {value});
  at->second = fresh("number");
  constant(at->second, tensor->view(), tensor);
  return at->second;
}

std::string Lowering::add(std::string_view op, std::vector<std::string> inputs,
                          Attributes attributes) {
  std::string result =
      onnx_.fresh(fmt::format("{}/{}", names_[static_cast<size_t>(node.outputs[0])], op));
  onnx_.node(op, std::move(inputs), result, std::move(attributes));
  return result;
}

void Lowering::finish(std::string_view op, std::vector<std::string> inputs, Attributes attributes) {
  onnx_.node(op, std::move(inputs), names_[static_cast<size_t>(node.outputs[0])],
             std::move(attributes));
}

std::string Lowering::finish_pair(std::string_view op, std::vector<std::string> inputs,
                                  Attributes attributes) {
  const std::string& first = names_[static_cast<size_t>(node.outputs[0])];
  std::string second = onnx_.fresh(fmt::format("{}/{}", first, op));
  onnx_.node(op, std::move(inputs), {first, second}, std::move(attributes));
  return second;
}

void Lowering::finish_cast(size_t output, const std::string& x, ElementType to) {
  if (node.outputs[output] == graph::kNone) return;
  onnx_.node("Cast", {x}, names_[static_cast<size_t>(node.outputs[output])],
             {attribute("to", static_cast<int64_t>(to))});
}

std::string Lowering::cast(std::string x, ElementType to) {
  return add("Cast", {std::move(x)}, {attribute("to", static_cast<int64_t>(to))});
}

std::string Lowering::activation(std::string_view name, const std::string& x) {
  if (name == "relu") return add("Relu", {x});
  if (name == "relu6") return add("Clip", {x, number(0), number(6)});
  if (name == "sigmoid") return add("Sigmoid", {x});
  if (name == "hswish") return add("HardSwish", {x});
  if (name == "hsigmoid") {
    return add("HardSigmoid", {x}, {attribute("alpha", 1.0 / 6), attribute("beta", 0.5)});
  }
  if (name == "silu") return add("Mul", {x, add("Sigmoid", {x})});
  std::string share;  // of x, twice
  if (name == "gelu_erf") {
    share = add("Erf", {add("Mul", {x, number(1 / std::numbers::sqrt2)})});
  } else if (name == "gelu") {
    const std::string cube = add("Mul", {add("Mul", {x, x}), x});
    const std::string sum = add("Add", {x, add("Mul", {cube, number(0.044715)})});
    share = add("Tanh", {add("Mul", {sum, number(0.79788456080286535588)})});  // sqrt(2 / pi)
  } else {
    return x;
  }
  return add("Mul", {add("Mul", {x, number(0.5)}), add("Add", {share, number(1)})});
}

Status Lowering::unsupported(std::string_view what) const {
  return make_error(Code::Unsupported, "{} ({}): {}", node.op->name, node.source, what);
}

const LoweredOp* find_lowering(std::string_view op) {
  for (const LoweringGroup& group : lowering::table()) {
    const auto found = std::ranges::find(group.ops, op, &LoweredOp::name);
    if (found != group.ops.end()) return &*found;
  }
  return nullptr;
}

}  // namespace verge::onnx
