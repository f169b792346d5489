#include <algorithm>
#include <map>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/onnx/export.hpp>
#include <verge/engine/onnx/lowering.hpp>

namespace verge::onnx {
namespace {

using format::onnx::ElementType;
using format::onnx::ModelData;
using format::onnx::ValueInfo;
using graph::kNone;
using graph::ValueId;
using graph::ValueKind;

constexpr int64_t kOpset = 17, kIrVersion = 8;  // of ONNX 1.12, the first that has them

struct MissingOp {
  int64_t nodes = 0;
  std::string first;
};

Status expect_all_sayable(const graph::Graph& graph) {
  std::map<std::string_view, MissingOp> missing;
  for (const graph::Node& node : graph.nodes) {
    if (find_lowering(node.op->name) != nullptr) continue;
    MissingOp& entry = missing[node.op->name];
    if (entry.nodes++ == 0) entry.first = node.source;
  }
  if (missing.empty()) return {};
  std::vector<std::string> lines;
  for (const auto& [op, entry] : missing) {
    lines.push_back(fmt::format("{}: {} node{}, the first in \"{}\"", op, entry.nodes,
                                entry.nodes == 1 ? "" : "s", entry.first));
  }
  return make_error(Code::Unsupported, "ONNX has no operator for {}", fmt::join(lines, "; "));
}

/// What importers append to names of weights is not theirs.
std::string own_name(const std::string& name) {
  const size_t end = name.find_last_of('#');
  const bool is_numbered =
      end != std::string::npos && end > 0 && end + 1 < name.size() &&
      std::ranges::all_of(name.substr(end + 1), [](char c) { return c >= '0' && c <= '9'; });
  return is_numbered ? name.substr(0, end) : name;
}

class Exporter {
 public:
  explicit Exporter(const Network& network)
      : network_(network),
        graph_(network.graph),
        onnx_(model_.graph),
        names_(network.graph.values.size()) {}

  Result<ModelData> run() {
    model_.ir_version = kIrVersion;
    model_.producer = "verge";
    model_.opset = kOpset;
    model_.graph.name = graph_.name.empty() ? "network" : graph_.name;
    VERGE_RETURN_IF_ERROR(expect_all_sayable(graph_));
    name_ports();
    VERGE_RETURN_IF_ERROR(add_constants());
    for (const graph::Node& node : graph_.nodes) VERGE_RETURN_IF_ERROR(add_node(node));
    for (const Port& port : network_.outputs) finish_output(port);
    drop_what_nobody_reads();
    return std::move(model_);
  }

 private:
  std::string& name_of(ValueId id) { return names_[static_cast<size_t>(id)]; }

  // Ports keep their names; a value of another type than its port has one of its own.
  void name_ports() {
    for (const Port& port : network_.inputs) {
      if (port.known == nullptr) onnx_.fresh(port.name);
    }
    for (const Port& port : network_.outputs) onnx_.fresh(port.name);
    for (const Port& port : network_.inputs) {
      if (port.known == nullptr) add_input(port);
    }
    for (const Port& port : network_.outputs) {
      const ValueId id = port.known == nullptr ? graph_.find(port.value) : kNone;
      if (id == kNone || graph_.value(id).kind != ValueKind::Activation || !name_of(id).empty())
        continue;
      if (element_type(graph_.value(id).type.dtype) == port.type) name_of(id) = port.name;
    }
    for (size_t id = 0; id < names_.size(); ++id) {
      if (names_[id].empty()) names_[id] = onnx_.fresh(own_name(graph_.values[id].name));
    }
  }

  void add_input(const Port& port) {
    const ValueId id = graph_.find(port.value);
    model_.graph.inputs.push_back(port_info(port));
    const ElementType held = element_type(graph_.value(id).type.dtype);
    name_of(id) = port.name;
    if (held == port.type) return;
    name_of(id) = onnx_.fresh(port.name + "/held");
    onnx_.node("Cast", {port.name}, name_of(id), {attribute("to", static_cast<int64_t>(held))});
  }

  ValueInfo port_info(const Port& port) const {
    ValueInfo info{.name = port.name, .type = port.type, .is_tensor = true, .has_shape = true};
    const ValueId id = port.known == nullptr ? graph_.find(port.value) : kNone;
    for (int axis = 0; axis < port.shape.rank(); ++axis) {
      format::onnx::Extent extent{port.shape[axis]};
      if (id != kNone) {
        const graph::Dim& dim = graph_.value(id).type.dims[static_cast<size_t>(axis)];
        if (!dim.is_constant()) extent = {-1, symbol_name(dim)};
      }
      info.dims.push_back(std::move(extent));
    }
    return info;
  }
  std::string symbol_name(const graph::Dim& dim) const {
    const std::string& name = graph_.symbols[static_cast<size_t>(dim.symbol)].name;
    return dim.factor == 1 ? name : fmt::format("{} * {}", dim.factor, name);
  }

  Status add_constants() {
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const graph::Value& value = graph_.values[i];
      if (value.kind == ValueKind::Const) {
        onnx_.constant(names_[i], value.data->view(), value.data);
      } else if (value.kind == ValueKind::Param) {
        const auto weight = std::ranges::find(network_.weights, value.name, &Weight::name);
        VERGE_CHECK(weight != network_.weights.end(), value.name);
        onnx_.constant(names_[i], weight->view, weight->owner);
      } else if (value.kind == ValueKind::State) {
        return make_error(Code::Unsupported, "state \"{}\": a network of ONNX has none",
                          value.name);
      }
    }
    for (const auto& tensor : model_.graph.initializers) {
      if (tensor.type != ElementType::Undefined) continue;
      return make_error(Code::Unsupported,
                        "\"{}\" is quantized, which ONNX files of opset {} are not", tensor.name,
                        kOpset);
    }
    return {};
  }

  Status add_node(const graph::Node& node) {
    const LoweredOp& lowered = *find_lowering(node.op->name);
    for (size_t i = lowered.outputs; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNone || !is_read(node.outputs[i])) continue;
      return make_error(Code::Unsupported, "{} ({}): its output {} is read", node.op->name,
                        node.source, i);
    }
    onnx_.source(node.source);
    Lowering lowering(onnx_, graph_, node, names_);
    return lowered.lower(lowering);
  }

  bool is_read(ValueId id) const {
    return graph_.value(id).is_output ||
           std::ranges::any_of(graph_.nodes, [&](const graph::Node& node) {
             return std::ranges::count(node.inputs, id) > 0;
           });
  }

  void finish_output(const Port& port) {
    model_.graph.outputs.push_back(port_info(port));
    onnx_.source("");
    std::string from;
    DType held = DType::F32;
    if (port.known != nullptr) {
      from = onnx_.fresh(port.name + "/known");
      onnx_.constant(from, port.known->view(), port.known);
      held = port.known->dtype();
    } else {
      const ValueId id = graph_.find(port.value);
      from = name_of(id);
      held = graph_.value(id).type.dtype;
    }
    if (from == port.name) return;
    if (element_type(held) == port.type) {
      onnx_.node("Identity", {from}, port.name);
    } else {
      onnx_.node("Cast", {from}, port.name, {attribute("to", static_cast<int64_t>(port.type))});
    }
  }
  void drop_what_nobody_reads() {
    std::set<std::string_view> read;
    for (const auto& node : model_.graph.nodes) read.insert(node.inputs.begin(), node.inputs.end());
    std::erase_if(model_.graph.initializers,
                  [&](const auto& tensor) { return !read.contains(tensor.name); });
  }

  const Network& network_;
  const graph::Graph& graph_;
  ModelData model_;
  OnnxGraph onnx_;
  std::vector<std::string> names_;  // by ValueId
};

}  // namespace

Result<ModelData> export_onnx(const Network& network,
                              std::vector<std::pair<std::string, std::string>> metadata) {
  VERGE_TRY(ModelData model, Exporter(network).run());
  model.metadata = std::move(metadata);
  return model;
}

}  // namespace verge::onnx
