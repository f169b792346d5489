#include <algorithm>
#include <cstring>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/model/onnx_network.hpp>

namespace verge::model {
namespace {

using format::onnx::ElementType;

void copy_values(const TensorView& from, const TensorView& to) {
  if (to.shape.count() == 0) return;
  if (from.dtype == to.dtype) {
    std::memcpy(to.data, from.data, static_cast<size_t>(to.bytes()));
  } else {
    graph::store(to, graph::load(from));
  }
}

bool is_float_dtype(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::F16 || dtype == DType::BF16;
}

}  // namespace

Result<OnnxGraph> optimized_onnx(const format::onnx::Onnx& file,
                                 std::span<const onnx::InputBinding> inputs,
                                 std::vector<std::string> disabled_passes) {
  VERGE_TRY(onnx::Network network, onnx::import_onnx(file, inputs));
  auto weights = std::make_unique<runtime::WeightStore>();
  for (onnx::Weight& weight : network.weights) {
    weights->add(std::move(weight.name), weight.view, std::move(weight.owner));
  }
  graph::PipelineOptions pipeline;
  pipeline.disabled = std::move(disabled_passes);
  pipeline.parameters = runtime::parameter_values(*weights);
  VERGE_TRY(graph::Optimized result, graph::optimize(std::move(network.graph), pipeline));
  return OnnxGraph{std::move(result.graph), std::move(weights), std::move(network.inputs),
                   std::move(network.outputs)};
}

DType outer_dtype(ElementType type) {
  switch (type) {
    case ElementType::Float:
    case ElementType::Bfloat16:
      return DType::F32;
    case ElementType::Float16:
      return DType::F16;
    case ElementType::Double:
      return DType::F64;
    case ElementType::Int32:
      return DType::I32;
    case ElementType::Int8:
      return DType::I8;
    case ElementType::Uint8:
    case ElementType::Bool:
      return DType::U8;
    default:
      return DType::I64;
  }
}

OnnxNetwork::OnnxNetwork(std::unique_ptr<runtime::WeightStore> weights,
                         std::unique_ptr<runtime::StateStore> states, runtime::Plan plan,
                         std::vector<onnx::Port> inputs, std::vector<onnx::Port> outputs)
    : weights_(std::move(weights)),
      states_(std::move(states)),
      plan_(std::move(plan)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)) {}

Result<OnnxNetwork> OnnxNetwork::compile(const format::onnx::Onnx& file,
                                         std::span<const onnx::InputBinding> inputs,
                                         ThreadPool& pool, const runtime::PlanOptions& options) {
  VERGE_TRY(OnnxGraph network, optimized_onnx(file, inputs));
  auto states = std::make_unique<runtime::StateStore>();
  VERGE_TRY(runtime::Plan plan, runtime::Plan::compile(std::move(network.graph), *network.weights,
                                                       *states, pool, options));
  OnnxNetwork made(std::move(network.weights), std::move(states), std::move(plan),
                   std::move(network.inputs), std::move(network.outputs));
  for (const onnx::Port& port : made.outputs_) {
    const Shape shape = made.place_of(port).shape;
    if (shape == port.shape) continue;
    return make_error(Code::Malformed, "{}: output \"{}\" is {}, not {}", file.path(), port.name,
                      shape.str(), port.shape.str());
  }
  return made;
}

TensorView OnnxNetwork::place_of(const onnx::Port& output) {
  if (output.known != nullptr) return output.known->view();
  if (plan_.has_input(output.value)) return plan_.input(output.value);  // passed on as it is
  return plan_.output(output.value);
}

Status OnnxNetwork::set_input(std::string_view name, const TensorView& values) {
  const auto port = std::ranges::find(inputs_, name, &onnx::Port::name);
  if (port == inputs_.end()) {
    return make_error(Code::InvalidArgument, "no input is named \"{}\"", name);
  }
  if (values.shape != port->shape || is_float_dtype(values.dtype) != is_float(port->type)) {
    return make_error(Code::InvalidArgument, "input \"{}\" is {} of {}, given are {} of {}", name,
                      port->shape.str(), format::onnx::name(port->type), values.shape.str(),
                      verge::name(values.dtype));
  }
  if (port->known == nullptr) {
    copy_values(values, plan_.input(port->value));
    return {};
  }
  if (graph::load(values) == graph::load(port->known->view())) return {};
  return make_error(Code::InvalidArgument,
                    "input \"{}\" was compiled as another value; compile the network for this one",
                    name);
}

void OnnxNetwork::fill_inputs(uint64_t seed) {
  Rng rng(seed);
  for (const onnx::Port& port : inputs_) {
    if (port.known != nullptr) continue;
    const TensorView& memory = plan_.input(port.value);
    std::memset(memory.data, 0, static_cast<size_t>(memory.bytes()));
    if (!is_float(port.type)) continue;
    std::vector<double> values(static_cast<size_t>(port.shape.count()));
    for (double& value : values) value = rng.uniform();
    graph::store(memory, values);
  }
}

Tensor OnnxNetwork::output(size_t i) {
  const onnx::Port& port = outputs_[i];
  Tensor copy(outer_dtype(port.type), port.shape);
  copy_values(place_of(port), copy.view());
  return copy;
}

}  // namespace verge::model
