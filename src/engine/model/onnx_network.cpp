#include <algorithm>
#include <cstring>

#include <verge/core/checksum.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/graph/axis_blocks.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/graph/passes/reorder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/text_form.hpp>
#include <verge/engine/model/onnx_network.hpp>
#include <verge/engine/runtime/kernel_chooser.hpp>

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

graph::NodeSeconds seconds_by(const runtime::PlanOptions& options) {
  if (options.chooser == nullptr) return graph::estimated_seconds;
  return [&](const graph::Graph& graph, const graph::Node& node) {
    return runtime::node_seconds(graph, node, *options.chooser);
  };
}

// With images laid out for the CPU's kernels where it has all nodes.
Result<OnnxGraph> shared_out(const format::onnx::Onnx& file,
                             std::span<const onnx::InputBinding> inputs,
                             const graph::Capability* backend,
                             const runtime::PlanOptions& options) {
  graph::PartitionReport report;
  if (backend != nullptr) {
    VERGE_TRY(OnnxGraph shared, optimized_onnx(file, inputs, {.backend = backend}));
    if (!shared.partition.regions.empty()) return shared;
    report = std::move(shared.partition);
  }
  VERGE_TRY(OnnxGraph alone, optimized_onnx(file, inputs, {.node_seconds = seconds_by(options)}));
  alone.partition = std::move(report);
  return alone;
}

// What tells networks apart whose times differ: all nodes with their types, but no values.
std::string describe(const graph::Graph& graph) {
  std::string text;
  const auto add = [&](const std::vector<graph::ValueId>& ids) {
    for (const graph::ValueId id : ids) {
      text += id == graph::kNone ? " _" : " " + graph::show_type(graph, graph.value(id).type);
    }
  };
  for (const graph::Node& node : graph.nodes) {
    text += fmt::format("\n{}", node.op->name);
    add(node.inputs);
    add(node.outputs);
    for (const auto& [key, attr] : node.attrs.entries()) {
      text += fmt::format(" {}={}", key, graph::show_attr(attr));
    }
  }
  return fmt::format("network of {} nodes, {:016x}", graph.nodes.size(),
                     checksum(std::as_bytes(std::span(text))));
}

/// The first `rows` of a tensor along an axis.
Tensor first_rows(const Tensor& tensor, int axis, int64_t rows) {
  Shape shape = tensor.shape();
  shape[axis] = std::clamp<int64_t>(rows, 0, shape[axis]);
  Tensor part(tensor.dtype(), shape);
  if (shape.count() == 0) return part;
  const graph::AxisBlocks from = graph::axis_blocks(tensor.view(), axis),
                          to = graph::axis_blocks(part.view(), axis);
  for (int64_t i = 0; i < to.outer; ++i) {
    std::memcpy(part.view().as<std::byte>() + i * to.outer_bytes,
                tensor.view().as<std::byte>() + i * from.outer_bytes,
                static_cast<size_t>(to.outer_bytes));
  }
  return part;
}

bool is_float_dtype(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::F16 || dtype == DType::BF16;
}

}  // namespace

Result<OnnxGraph> optimized_onnx(const format::onnx::Onnx& file,
                                 std::span<const onnx::InputBinding> inputs,
                                 OnnxGraphOptions options) {
  VERGE_TRY(onnx::Network network, onnx::import_onnx(file, inputs));
  auto weights = std::make_shared<runtime::WeightStore>();
  for (onnx::Weight& weight : network.weights) {
    weights->add(std::move(weight.name), weight.view, std::move(weight.owner));
  }
  graph::PipelineOptions pipeline;
  pipeline.disabled = std::move(options.disabled_passes);
  pipeline.node_seconds = std::move(options.node_seconds);
  pipeline.parameters = runtime::parameter_values(*weights);
  OnnxGraph made{{}, weights, std::move(network.inputs), std::move(network.outputs)};
  pipeline.backend = options.backend;
  pipeline.partition_report = &made.partition;
  VERGE_TRY(graph::Optimized result, graph::optimize(std::move(network.graph), pipeline));
  made.graph = std::move(result.graph);
  return made;
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

OnnxNetwork::OnnxNetwork(OnnxGraph network, std::unique_ptr<runtime::StateStore> states,
                         runtime::Plan plan)
    : weights_(std::move(network.weights)),
      states_(std::move(states)),
      plan_(std::move(plan)),
      inputs_(std::move(network.inputs)),
      outputs_(std::move(network.outputs)),
      partition_(std::move(network.partition)) {}

Result<OnnxNetwork> OnnxNetwork::compile(const format::onnx::Onnx& file,
                                         std::span<const onnx::InputBinding> inputs,
                                         ThreadPool& pool, const runtime::PlanOptions& options) {
  if (options.backends.empty()) return bind(file, inputs, nullptr, pool, options);
  if (options.times_backends && options.chooser != nullptr) {
    return fastest(file, inputs, pool, options);
  }
  return bind(file, inputs, options.backends.front().get(), pool, options);
}

Result<OnnxNetwork> OnnxNetwork::fastest(const format::onnx::Onnx& file,
                                         std::span<const onnx::InputBinding> inputs,
                                         ThreadPool& pool, const runtime::PlanOptions& options) {
  VERGE_TRY(const OnnxGraph plain, optimized_onnx(file, inputs));
  const std::string described = describe(plain.graph);
  const graph::Capability* const backend = options.backends.front().get();
  const std::string ways[] = {"cpu", std::string(backend->name())};
  const auto known = options.chooser->known_choice(described, ways);
  if (known == size_t{0}) return bind(file, inputs, nullptr, pool, options);
  auto shared = bind(file, inputs, backend, pool, options);
  if (known && shared) return shared;
  VERGE_TRY(OnnxNetwork alone, bind(file, inputs, nullptr, pool, options));
  if (!shared) {
    alone.backend_failure_ = shared.error().message;
    return alone;
  }
  OnnxNetwork* const tried[] = {&alone, &*shared};
  for (OnnxNetwork* network : tried) network->fill_inputs(1);
  const size_t fastest =
      options.chooser->time_choice(described, ways, [&](size_t way) { tried[way]->run(); });
  return std::move(*tried[fastest]);
}

Result<OnnxNetwork> OnnxNetwork::bind(const format::onnx::Onnx& file,
                                      std::span<const onnx::InputBinding> inputs,
                                      const graph::Capability* backend, ThreadPool& pool,
                                      const runtime::PlanOptions& options) {
  VERGE_TRY(OnnxGraph network, shared_out(file, inputs, backend, options));
  auto states = std::make_unique<runtime::StateStore>();
  VERGE_TRY(runtime::Plan plan, runtime::Plan::compile(std::move(network.graph), *network.weights,
                                                       *states, pool, options));
  OnnxNetwork made(std::move(network), std::move(states), std::move(plan));
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
  if (port.rows.count.empty()) return copy;
  const auto count = static_cast<int64_t>(graph::load(plan_.output(port.rows.count))[0]);
  return first_rows(copy, port.rows.axis, std::min(count, port.rows.most));
}

}  // namespace verge::model
