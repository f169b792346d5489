#include <bit>

#include <verge/engine/format/onnx/messages.hpp>
#include <verge/engine/format/onnx/tensor_message.hpp>
#include <verge/engine/format/onnx/wire.hpp>

namespace verge::format::onnx {
namespace {

constexpr int kMostNesting = 32;  // branches within branches

/// Calls f(field) for each field of a message.
template <typename F>
Status each_field(const WireField& message, std::string_view what, F f) {
  VERGE_RETURN_IF_ERROR(expect_type(message, WireType::Bytes, what));
  WireReader reader(message);
  while (!reader.is_done()) {
    VERGE_TRY(const WireField field, reader.next());
    VERGE_RETURN_IF_ERROR(f(field));
  }
  return {};
}

double real_of(const WireField& field) {
  return std::bit_cast<float>(static_cast<uint32_t>(field.value));
}

Status append_reals(const WireField& field, std::vector<double>& reals) {
  if (field.type == WireType::Fixed32) {
    reals.push_back(real_of(field));
    return {};
  }
  VERGE_RETURN_IF_ERROR(expect_type(field, WireType::Bytes, "floats"));
  for (size_t at = 0; at + 4 <= field.bytes.size(); at += 4) {
    float value = 0;
    std::memcpy(&value, field.bytes.data() + at, sizeof value);
    reals.push_back(value);
  }
  return {};
}

Result<GraphData> read_graph(const WireField& message, int depth);

Result<Attribute> read_attribute(const WireField& message, int depth) {
  Attribute attribute;
  auto kind = AttributeKind::Undefined, said = AttributeKind::Undefined;
  const auto take = [&](const WireField& field) -> Status {
    switch (field.number) {
      case 1:
        attribute.name = field.text();
        return {};
      case 2:
        kind = AttributeKind::Float;
        attribute.real = real_of(field);
        return {};
      case 3:
        kind = AttributeKind::Int;
        attribute.integer = static_cast<int64_t>(field.value);
        return {};
      case 4:
        kind = AttributeKind::String;
        attribute.text = field.text();
        return {};
      case 5: {
        kind = AttributeKind::Tensor;
        VERGE_TRY(TensorData tensor, read_tensor(field));
        attribute.tensor = std::make_shared<TensorData>(std::move(tensor));
        return {};
      }
      case 6: {
        kind = AttributeKind::Graph;
        VERGE_TRY(GraphData graph, read_graph(field, depth + 1));
        attribute.graph = std::make_shared<GraphData>(std::move(graph));
        return {};
      }
      case 7:
        kind = AttributeKind::Floats;
        return append_reals(field, attribute.reals);
      case 8:
        kind = AttributeKind::Ints;
        return append_integers(field, "ints", attribute.integers);
      case 9:
        kind = AttributeKind::Strings;
        attribute.texts.emplace_back(field.text());
        return {};
      case 20:
        said = static_cast<AttributeKind>(field.value);
        return {};
      default:
        return {};
    }
  };
  VERGE_RETURN_IF_ERROR(each_field(message, "an attribute", take));
  // A zero or an empty list may be left out, and the type then says what it would be.
  attribute.kind = kind != AttributeKind::Undefined ? kind : said;
  if (attribute.kind > AttributeKind::Strings) attribute.kind = AttributeKind::Other;
  const bool is_whole = (attribute.kind != AttributeKind::Tensor || attribute.tensor) &&
                        (attribute.kind != AttributeKind::Graph || attribute.graph);
  if (is_whole) return attribute;
  return make_error(Code::Malformed, "attribute {} at byte {} has no value; the file is damaged",
                    attribute.name, message.offset);
}

Result<NodeData> read_node(const WireField& message, size_t index, int depth) {
  NodeData node;
  const auto take = [&](const WireField& field) -> Status {
    if (field.number == 1) node.inputs.emplace_back(field.text());
    if (field.number == 2) node.outputs.emplace_back(field.text());
    if (field.number == 3) node.name = field.text();
    if (field.number == 4) node.op_type = field.text();
    if (field.number == 7) node.domain = field.text();
    if (field.number != 5) return {};
    VERGE_TRY(Attribute attribute, read_attribute(field, depth));
    node.attributes.push_back(std::move(attribute));
    return {};
  };
  const Status status = each_field(message, "a node", take);
  if (node.domain == "ai.onnx") node.domain.clear();
  if (status) return node;
  return make_error(status.error().code, "node {} {} \"{}\": {}", index, node.op_type, node.name,
                    status.error().message);
}

Result<Extent> read_extent(const WireField& message) {
  Extent extent;
  VERGE_RETURN_IF_ERROR(each_field(message, "a dimension", [&](const WireField& field) -> Status {
    if (field.number == 1) extent.value = static_cast<int64_t>(field.value);
    if (field.number == 2) extent.symbol = field.text();
    return {};
  }));
  if (extent.value < 0) extent.value = -1;
  return extent;
}

Status read_tensor_type(const WireField& message, ValueInfo& info) {
  info.is_tensor = true;
  return each_field(message, "a type", [&](const WireField& field) -> Status {
    if (field.number == 1) info.type = static_cast<ElementType>(field.value);
    if (field.number != 2) return {};
    info.has_shape = true;
    return each_field(field, "a shape", [&](const WireField& dim) -> Status {
      if (dim.number != 1) return {};
      VERGE_TRY(Extent extent, read_extent(dim));
      info.dims.push_back(std::move(extent));
      return {};
    });
  });
}

Result<ValueInfo> read_value(const WireField& message) {
  ValueInfo info;
  VERGE_RETURN_IF_ERROR(each_field(message, "a value", [&](const WireField& field) -> Status {
    if (field.number == 1) info.name = field.text();
    if (field.number != 2) return {};
    return each_field(field, "a type", [&](const WireField& type) -> Status {
      return type.number == 1 ? read_tensor_type(type, info) : Status();
    });
  }));
  return info;
}

Result<GraphData> read_graph(const WireField& message, int depth) {
  if (depth > kMostNesting) {
    return make_error(Code::Unsupported, "graphs are nested more than {} deep", kMostNesting);
  }
  GraphData graph;
  const auto take = [&](const WireField& field) -> Status {
    switch (field.number) {
      case 1: {
        VERGE_TRY(NodeData node, read_node(field, graph.nodes.size(), depth));
        graph.nodes.push_back(std::move(node));
        return {};
      }
      case 2:
        graph.name = field.text();
        return {};
      case 5: {
        VERGE_TRY(TensorData tensor, read_tensor(field));
        graph.initializers.push_back(std::move(tensor));
        return {};
      }
      case 11:
      case 12: {
        VERGE_TRY(ValueInfo info, read_value(field));
        (field.number == 11 ? graph.inputs : graph.outputs).push_back(std::move(info));
        return {};
      }
      case 15:
        return make_error(Code::Unsupported,
                          "the graph has sparse initializers; export them as dense tensors");
      default:
        return {};
    }
  };
  VERGE_RETURN_IF_ERROR(each_field(message, "a graph", take));
  return graph;
}

Status read_opset(const WireField& message, ModelData& model) {
  std::string domain;
  int64_t version = 0;
  VERGE_RETURN_IF_ERROR(each_field(message, "opset_import", [&](const WireField& field) -> Status {
    if (field.number == 1) domain = field.text();
    if (field.number == 2) version = static_cast<int64_t>(field.value);
    return {};
  }));
  if (domain.empty() || domain == "ai.onnx") {
    model.opset = version;
  } else {
    model.domains.emplace_back(std::move(domain), version);
  }
  return {};
}

Status read_function(const WireField& message, ModelData& model) {
  std::string name;
  VERGE_RETURN_IF_ERROR(each_field(message, "a function", [&](const WireField& field) -> Status {
    if (field.number == 1) name = field.text();
    return {};
  }));
  model.functions.push_back(std::move(name));
  return {};
}

Status read_metadata(const WireField& message, ModelData& model) {
  std::pair<std::string, std::string> entry;
  const auto take = [&](const WireField& field) -> Status {
    if (field.number == 1) entry.first = field.text();
    if (field.number == 2) entry.second = field.text();
    return {};
  };
  VERGE_RETURN_IF_ERROR(each_field(message, "metadata_props", take));
  model.metadata.push_back(std::move(entry));
  return {};
}

}  // namespace

Result<ModelData> read_model(std::span<const std::byte> bytes) {
  ModelData model;
  bool has_graph = false;
  const auto take = [&](const WireField& field) -> Status {
    if (field.number == 1) model.ir_version = static_cast<int64_t>(field.value);
    if (field.number == 2) model.producer = field.text();
    if (field.number == 3 && !field.bytes.empty())
      model.producer += fmt::format(" {}", field.text());
    if (field.number == 8) return read_opset(field, model);
    if (field.number == 14) return read_metadata(field, model);
    if (field.number == 25) return read_function(field, model);
    if (field.number != 7) return {};
    has_graph = true;
    VERGE_TRY(model.graph, read_graph(field, 0));
    return {};
  };
  VERGE_RETURN_IF_ERROR(each_field({0, WireType::Bytes, 0, bytes, 0}, "a model", take));
  if (has_graph) return model;
  return make_error(Code::Malformed, "holds no graph; the file is damaged: fetch it again");
}

}  // namespace verge::format::onnx
