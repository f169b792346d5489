#include <verge/core/file.hpp>
#include <verge/engine/format/onnx/wire_writer.hpp>
#include <verge/engine/format/onnx/writer.hpp>

namespace verge::format::onnx {
namespace {

constexpr uint64_t kMostBytes = (uint64_t{1} << 31) - 1;  // of a protobuf message
constexpr size_t kPortion = 1 << 20;                      // bytes between looks at `cancel`

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// All of a TensorProto but its values, which come last.
std::string tensor_head(const TensorData& tensor) {
  WireWriter message;
  for (int64_t extent : tensor.dims) message.integer(1, extent);
  message.integer(2, static_cast<int64_t>(tensor.type));
  message.text(8, tensor.name);
  message.begin_bytes(9, tensor.bytes.size());
  return message.bytes();
}

WireWriter attribute_message(const Attribute& attribute) {
  WireWriter message;
  message.text(1, attribute.name);
  switch (attribute.kind) {
    case AttributeKind::Float:
      message.real(2, static_cast<float>(attribute.real));
      break;
    case AttributeKind::Int:
      message.integer(3, attribute.integer);
      break;
    case AttributeKind::String:
      message.text(4, attribute.text);
      break;
    case AttributeKind::Floats:
      for (double value : attribute.reals) message.real(7, static_cast<float>(value));
      break;
    case AttributeKind::Ints:
      for (int64_t value : attribute.integers) message.integer(8, value);
      break;
    case AttributeKind::Strings:
      for (const std::string& value : attribute.texts) message.text(9, value);
      break;
    case AttributeKind::Tensor: {
      const TensorData& tensor = *attribute.tensor;
      const auto* values = reinterpret_cast<const char*>(tensor.bytes.data());
      message.text(5, tensor_head(tensor) + std::string(values, tensor.bytes.size()));
      break;
    }
    default:
      VERGE_CHECK(false, attribute.name);  // nothing here has branches
  }
  message.integer(20, static_cast<int64_t>(attribute.kind));
  return message;
}

WireWriter node_message(const NodeData& node) {
  WireWriter message;
  for (const std::string& input : node.inputs) message.text(1, input);
  for (const std::string& output : node.outputs) message.text(2, output);
  message.text(3, node.name);
  message.text(4, node.op_type);
  for (const Attribute& attribute : node.attributes) {
    message.message(5, attribute_message(attribute));
  }
  if (!node.domain.empty()) message.text(7, node.domain);
  return message;
}

WireWriter value_message(const ValueInfo& value) {
  WireWriter shape, tensor, type, message;
  for (const Extent& extent : value.dims) {
    WireWriter dim;
    if (extent.value >= 0) dim.integer(1, extent.value);
    if (extent.value < 0 && !extent.symbol.empty()) dim.text(2, extent.symbol);
    shape.message(1, dim);
  }
  tensor.integer(1, static_cast<int64_t>(value.type));
  if (value.has_shape) tensor.message(2, shape);
  type.message(1, tensor);
  message.text(1, value.name);
  message.message(2, type);
  return message;
}

/// A field of the graph: bytes made here, then those of a tensor.
struct Part {
  std::string head;
  std::span<const std::byte> values = {};
};

std::vector<Part> graph_parts(const GraphData& graph) {
  WireWriter first;
  for (const NodeData& node : graph.nodes) first.message(1, node_message(node));
  first.text(2, graph.name);
  std::vector<Part> parts = {{first.bytes()}};
  for (const TensorData& tensor : graph.initializers) {
    const std::string head = tensor_head(tensor);
    WireWriter field;
    field.begin_bytes(5, head.size() + tensor.bytes.size());
    parts.push_back({field.bytes() + head, tensor.bytes});
  }
  WireWriter last;
  for (const ValueInfo& value : graph.inputs) last.message(11, value_message(value));
  for (const ValueInfo& value : graph.outputs) last.message(12, value_message(value));
  parts.push_back({last.bytes()});
  return parts;
}

/// All of the model but its graph, which comes last.
WireWriter model_head(const ModelData& model) {
  WireWriter message;
  message.integer(1, model.ir_version);
  message.text(2, model.producer);
  const auto add_opset = [&](std::string_view domain, int64_t version) {
    WireWriter opset;
    opset.text(1, domain);
    opset.integer(2, version);
    message.message(8, opset);
  };
  add_opset("", model.opset);
  for (const auto& [domain, version] : model.domains) add_opset(domain, version);
  for (const auto& [key, value] : model.metadata) {
    WireWriter entry;
    entry.text(1, key);
    entry.text(2, value);
    message.message(14, entry);
  }
  return message;
}

}  // namespace

Status write_onnx_to(const ModelData& model, const ByteSink& sink) {
  const std::vector<Part> parts = graph_parts(model.graph);
  uint64_t graph_bytes = 0;
  for (const Part& part : parts) graph_bytes += part.head.size() + part.values.size();
  WireWriter head = model_head(model);
  head.begin_bytes(7, graph_bytes);
  if (graph_bytes + head.bytes().size() > kMostBytes) {
    return make_error(Code::Unsupported,
                      "the network has {} bytes, and an ONNX file holds 2 GiB at most",
                      graph_bytes);
  }
  VERGE_RETURN_IF_ERROR(sink(as_bytes(head.bytes())));
  for (const Part& part : parts) {
    VERGE_RETURN_IF_ERROR(sink(as_bytes(part.head)));
    for (size_t at = 0; at < part.values.size(); at += kPortion) {
      VERGE_RETURN_IF_ERROR(
          sink(part.values.subspan(at, std::min(kPortion, part.values.size() - at))));
    }
  }
  return {};
}

Status write_onnx(const ModelData& model, const std::string& path,
                  const std::atomic<bool>* cancel) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(write_onnx_to(model, [&](std::span<const std::byte> bytes) -> Status {
    if (cancel != nullptr && *cancel) {
      return make_error(Code::Cancelled, "stopped; nothing was written");
    }
    return file.write(bytes);
  }));
  return file.commit();
}

}  // namespace verge::format::onnx
