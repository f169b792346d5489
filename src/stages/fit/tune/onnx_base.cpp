#include <algorithm>
#include <set>

#include <fmt/ranges.h>

#include <verge/engine/format/onnx/reader.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/canonicalise.hpp>
#include <verge/engine/graph/passes/common_subexpressions.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fold_constants.hpp>
#include <verge/engine/graph/passes/fuse_activations.hpp>
#include <verge/engine/graph/passes/fuse_written_norms.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/onnx/import.hpp>
#include <verge/stages/fit/tune/network_inputs.hpp>
#include <verge/stages/fit/tune/onnx_base.hpp>

namespace verge::fit {
namespace {

using graph::kNone;
using graph::ValueId;

constexpr std::string_view kReserved[] = {"labels",    "targets", "loss", kLogits,
                                          kPrediction, "lr",      "step"};

bool is_reserved(std::string_view name) {
  return std::ranges::find(kReserved, name) != std::end(kReserved);
}

// Inputs that data fills; names that training needs are free.
Status take_inputs(BaseModel& base, const onnx::Network& network) {
  for (const onnx::Port& port : network.inputs) {
    if (port.known != nullptr) continue;
    if (is_reserved(port.value)) {
      return make_error(Code::Unsupported,
                        "{}: an input is named \"{}\", as training's own; export it under another "
                        "name",
                        base.path, port.name);
    }
    base.inputs.push_back(port);
  }
  for (graph::Value& value : base.graph.values) {
    value.is_output = false;
    if (is_reserved(value.name)) value.name += "_";
  }
  if (base.inputs.empty()) {
    return make_error(Code::Unsupported, "{}: it has no input of samples", base.path);
  }
  return {};
}

// One input of pictures, which folders of images can fill.
bool takes_one_picture(const BaseModel& base) {
  return base.inputs.size() == 1 && base.inputs[0].shape.rank() == 4 &&
         format::onnx::is_float(base.inputs[0].type);
}

Result<onnx::Port> chosen_output(const std::string& path, const onnx::Network& network,
                                 const std::string& name) {
  std::vector<std::string> names;
  for (const onnx::Port& port : network.outputs) {
    if (name.empty() || port.name == name) return port;
    names.push_back(port.name);
  }
  return make_error(Code::InvalidArgument, "{}: no output is named \"{}\"; there {} {}", path, name,
                    names.size() == 1 ? "is" : "are", fmt::join(names, ", "));
}

const graph::Node* maker_of(const graph::Graph& graph, ValueId value) {
  const auto at = std::ranges::find_if(
      graph.nodes, [&](const graph::Node& node) { return node.outputs[0] == value; });
  return at == graph.nodes.end() ? nullptr : &*at;
}

bool is_view(const graph::Node* node, bool with_transposes) {
  return node != nullptr &&
         (node->op->name == "reshape" || (with_transposes && node->op->name == "transpose"));
}

// Before a softmax at the end, which is part of the loss. Importing puts reshapes around those of
// old files. kNone: the softmax is none of the output's last axis.
ValueId logits_of(const graph::Graph& graph, ValueId output) {
  const graph::Node* node = maker_of(graph, output);
  bool is_reshaped = true;
  for (; is_view(node, true); node = maker_of(graph, node->inputs[0])) {
    is_reshaped = is_reshaped && node->op->name == "reshape";
  }
  if (node == nullptr || (node->op->name != "softmax" && node->op->name != "log_softmax")) {
    return output;
  }
  const graph::Dims& wanted = graph.value(output).type.dims;
  const graph::Dims& found = graph.value(node->outputs[0]).type.dims;
  if (!is_reshaped || wanted.empty() || wanted.back() != found.back()) return kNone;
  ValueId logits = node->inputs[0];
  while (graph.value(logits).type.dims != wanted) {
    node = maker_of(graph, logits);
    if (!is_view(node, false)) return kNone;
    logits = node->inputs[0];
  }
  return logits;
}

// What exporters write out becomes one operator each, whose gradient keeps and computes less.
graph::Graph simplified(graph::Graph graph) {
  graph = graph::canonicalise(graph::dead_code(std::move(graph)));
  graph = graph::common_subexpressions(graph::fold_constants(std::move(graph)));
  return graph::fuse_written_norms(graph::fuse_activations(std::move(graph)));
}

// The stored tensor of one f32 whose value a constant is.
std::string single_tensor(const format::onnx::Onnx& file, const graph::Value& value) {
  if (value.kind != graph::ValueKind::Const || value.type.dtype != DType::F32) return "";
  std::string name = value.name.substr(0, value.name.find_last_of('#'));
  const auto& stored = file.model().graph.initializers;
  const auto at = std::ranges::find(stored, name, &format::onnx::TensorData::name);
  return at != stored.end() && at->count() == 1 ? name : "";
}

// Importing takes weights of a single element for constants. Those of products, and addends behind
// products of one column, learn as all others do.
void free_single_weights(const format::onnx::Onnx& file, onnx::Network& network) {
  graph::Graph& graph = network.graph;
  std::set<ValueId> products;
  const auto free = [&](ValueId id) {
    if (id == kNone) return;
    graph::Value& value = graph.value(id);
    const std::string tensor = single_tensor(file, value);
    if (tensor.empty()) return;
    value.kind = graph::ValueKind::Param;
    network.weights.push_back({value.name, value.data->view(), value.data, {tensor}, true});
    value.data = nullptr;
  };
  for (const graph::Node& node : graph.nodes) {
    if (node.op->name == "linear") {
      for (size_t i = 1; i < node.inputs.size(); ++i) free(node.inputs[i]);
      products.insert(node.outputs[0]);
    }
    const graph::Dims& dims = graph.value(node.outputs[0]).type.dims;
    if (node.op->name != "add" || dims.empty() || dims.back().factor != 1) continue;
    for (const size_t side : {0, 1}) {
      if (products.contains(node.inputs[1 - side])) free(node.inputs[side]);
    }
  }
}

Status take_weights(BaseModel& base, onnx::Network& network) {
  for (onnx::Weight& weight : network.weights) {
    if (weight.view.dtype != DType::F32) {
      return make_error(Code::Unsupported, "{}: {} is of {}; fine-tuning takes weights of f32",
                        base.path, weight.name, name(weight.view.dtype));
    }
    base.weights[weight.name] = {weight.view, std::move(weight.owner)};
  }
  base.hash = hash_of_weights(base);
  std::set<std::string_view> read;
  for (const graph::Node& node : base.graph.nodes) {
    for (const ValueId id : node.inputs) {
      if (id != kNone) read.insert(base.graph.value(id).name);
    }
  }
  for (const onnx::Weight& weight : network.weights) {
    if (!read.contains(weight.name)) {
      base.weights.erase(weight.name);
      continue;
    }
    base.origins[weight.name] = weight.origin;
    if (weight.is_copy) base.copied_bytes += weight.view.bytes();
  }
  return {};
}

Status add_loss_behind(BaseModel& base, bool is_squared, int64_t batch) {
  const ValueId output = base.graph.find(is_squared ? kPrediction : kLogits);
  const graph::Dims dims = base.graph.value(output).type.dims;
  const size_t least = is_squared ? 1 : 2;
  if (dims.size() < least || dims[0] != graph::Dim(batch)) {
    return make_error(Code::Unsupported, "{}: the output is {}; {} needs [{}{}], the batch first{}",
                      base.path, graph::show_dims(base.graph, dims),
                      is_squared ? "a squared error" : "a cross-entropy", batch,
                      is_squared ? ", ..." : ", ..., classes",
                      is_squared ? "" : "; --loss mse is for regression, --output takes another");
  }
  graph::Builder b(std::move(base.graph));
  b.source("loss");
  if (is_squared) {
    base.loss = b.op("mse_loss", {output, b.input("targets", {DType::F32, dims})});
  } else {
    const ValueId labels = b.input("labels", {DType::I32, graph::leading_dims(dims)});
    base.loss = b.op("softmax_cross_entropy", {output, labels});
    base.network.config.classes = dims.back().factor;
  }
  b.output(base.loss, "loss");
  VERGE_TRY(base.graph, b.finish());
  return {};
}

}  // namespace

Result<BaseModel> open_onnx_base(const std::string& path, const BaseShape& given) {
  VERGE_TRY(const format::onnx::Onnx file, format::onnx::Onnx::open(path));
  VERGE_TRY(const BaseShape shape, complete_shape(file, given));
  VERGE_TRY(onnx::Network network, onnx::import_onnx(file, shape.inputs));
  BaseModel base{.path = path, .kind = BaseKind::Onnx};
  VERGE_TRY(const onnx::Port port, chosen_output(path, network, shape.output));
  free_single_weights(file, network);
  ValueId output = port.value.empty() ? kNone : network.graph.find(port.value);
  base.graph = std::move(network.graph);
  if (output != kNone && !shape.squared_error) {
    output = logits_of(base.graph, output);
    if (output == kNone) {
      return make_error(Code::Unsupported,
                        "{}: output \"{}\" is a softmax over another axis than its last one, where "
                        "a cross-entropy has the classes; export the network without the softmax",
                        path, port.name);
    }
  }
  if (output == kNone || base.graph.value(output).kind != graph::ValueKind::Activation ||
      base.graph.value(output).type.dtype != DType::F32) {
    return make_error(Code::Unsupported,
                      "{}: output \"{}\" is nothing that f32 weights could change", path,
                      port.name);
  }
  VERGE_RETURN_IF_ERROR(take_inputs(base, network));
  base.graph.value(output).is_output = true;
  base.graph.value(output).name = shape.squared_error ? kPrediction : kLogits;
  if (takes_one_picture(base)) {
    base.images = base.inputs[0].value;
    base.network.config.channels = base.inputs[0].shape[1];
    base.network.config.height = base.inputs[0].shape[2];
    base.network.config.width = base.inputs[0].shape[3];
    base.graph = graph::dead_code(std::move(base.graph));
  } else {
    base.graph = simplified(std::move(base.graph));
  }
  VERGE_RETURN_IF_ERROR(take_weights(base, network));
  VERGE_RETURN_IF_ERROR(add_loss_behind(base, shape.squared_error, shape.batch));
  return base;
}

}  // namespace verge::fit
