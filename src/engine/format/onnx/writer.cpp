#include <filesystem>
#include <map>

#include <verge/core/file.hpp>
#include <verge/engine/format/onnx/wire_writer.hpp>
#include <verge/engine/format/onnx/writer.hpp>

namespace verge::format::onnx {
namespace {

constexpr size_t kPortion = 1 << 20;                       // bytes between looks at `cancel`
constexpr size_t kLeastElsewhere = 1024, kAlignment = 64;  // bytes of tensors beside the file

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

WireWriter tensor_type(const TensorData& tensor) {
  WireWriter message;
  for (int64_t extent : tensor.dims) message.integer(1, extent);
  message.integer(2, static_cast<int64_t>(tensor.type));
  message.text(8, tensor.name);
  return message;
}

/// All of a TensorProto but its values, which come last.
std::string tensor_head(const TensorData& tensor) {
  WireWriter message = tensor_type(tensor);
  message.begin_bytes(9, tensor.bytes.size());
  return message.bytes();
}

/// A TensorProto whose values lie elsewhere.
std::string tensor_elsewhere(const TensorData& tensor, const ExternalData& place) {
  WireWriter message = tensor_type(tensor);
  const auto add = [&](std::string_view key, std::string_view value) {
    WireWriter entry;
    entry.text(1, key);
    entry.text(2, value);
    message.message(13, entry);
  };
  add("location", place.location);
  add("offset", fmt::format("{}", place.offset));
  add("length", fmt::format("{}", tensor.bytes.size()));
  message.integer(14, 1);
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

/// Where initializers lie that are not in the file itself.
using Places = std::map<const TensorData*, ExternalData>;

std::vector<Part> graph_parts(const GraphData& graph, const Places& places) {
  WireWriter first;
  for (const NodeData& node : graph.nodes) first.message(1, node_message(node));
  first.text(2, graph.name);
  std::vector<Part> parts = {{first.bytes()}};
  for (const TensorData& tensor : graph.initializers) {
    WireWriter field;
    if (const auto place = places.find(&tensor); place != places.end()) {
      field.text(5, tensor_elsewhere(tensor, place->second));
      parts.push_back({field.bytes()});
      continue;
    }
    const std::string head = tensor_head(tensor);
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

Error too_large(uint64_t bytes) {
  return make_error(Code::Unsupported,
                    "the network has {} bytes, and an ONNX file holds 2 GiB at most", bytes);
}

struct Message {
  std::string head = {};
  std::vector<Part> parts = {};  // of the graph
  uint64_t bytes = 0;
};

Message message_of(const ModelData& model, const Places& places) {
  Message message{.parts = graph_parts(model.graph, places)};
  uint64_t graph_bytes = 0;
  for (const Part& part : message.parts) graph_bytes += part.head.size() + part.values.size();
  WireWriter head = model_head(model);
  head.begin_bytes(7, graph_bytes);
  message.head = head.bytes();
  message.bytes = graph_bytes + message.head.size();
  return message;
}

Status write_values(std::span<const std::byte> values, const ByteSink& sink) {
  for (size_t at = 0; at < values.size(); at += kPortion) {
    VERGE_RETURN_IF_ERROR(sink(values.subspan(at, std::min(kPortion, values.size() - at))));
  }
  return {};
}

Status write_message(const Message& message, const ByteSink& sink) {
  VERGE_RETURN_IF_ERROR(sink(as_bytes(message.head)));
  for (const Part& part : message.parts) {
    VERGE_RETURN_IF_ERROR(sink(as_bytes(part.head)));
    VERGE_RETURN_IF_ERROR(write_values(part.values, sink));
  }
  return {};
}

ByteSink into(AtomicFile& file, const WriteOptions& options) {
  return [&file, cancel = options.cancel](std::span<const std::byte> bytes) -> Status {
    if (cancel != nullptr && *cancel) {
      return make_error(Code::Cancelled, "stopped; nothing was written");
    }
    return file.write(bytes);
  };
}

/// Large tensors one behind the other, each where it may be read as it lies.
Places places_beside(const GraphData& graph, const std::string& location) {
  Places places;
  uint64_t end = 0;
  for (const TensorData& tensor : graph.initializers) {
    if (tensor.bytes.size() < kLeastElsewhere) continue;
    places[&tensor] = {.location = location, .offset = end};
    end += (tensor.bytes.size() + kAlignment - 1) / kAlignment * kAlignment;
  }
  return places;
}

Status write_data(const GraphData& graph, const Places& places, AtomicFile& file,
                  const WriteOptions& options) {
  const ByteSink sink = into(file, options);
  const std::vector<std::byte> zeros(kAlignment);
  for (const TensorData& tensor : graph.initializers) {
    if (!places.contains(&tensor)) continue;
    VERGE_RETURN_IF_ERROR(write_values(tensor.bytes, sink));
    const size_t over = tensor.bytes.size() % kAlignment;
    if (over > 0) VERGE_RETURN_IF_ERROR(sink(std::span(zeros).first(kAlignment - over)));
  }
  return {};
}

Status write_two(const ModelData& model, const std::string& path, const WriteOptions& options) {
  const std::string data_path = path + ".data";
  const Places places =
      places_beside(model.graph, std::filesystem::path(data_path).filename().string());
  const Message message = message_of(model, places);
  if (message.bytes > options.most_bytes) return too_large(message.bytes);
  VERGE_TRY(AtomicFile data, AtomicFile::create(data_path));
  VERGE_RETURN_IF_ERROR(write_data(model.graph, places, data, options));
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(write_message(message, into(file, options)));
  std::error_code error;
  std::filesystem::remove(path, error);  // it would read the new data
  if (error) return make_error(Code::Io, "{}: cannot be replaced: {}", path, error.message());
  VERGE_RETURN_IF_ERROR(data.commit());
  return file.commit();
}

}  // namespace

Status write_onnx_to(const ModelData& model, const ByteSink& sink) {
  const Message message = message_of(model, {});
  if (message.bytes > WriteOptions().most_bytes) return too_large(message.bytes);
  return write_message(message, sink);
}

Status write_onnx(const ModelData& model, const std::string& path, const WriteOptions& options) {
  if (options.external_data) return write_two(model, path, options);
  const Message message = message_of(model, {});
  if (message.bytes > options.most_bytes) return write_two(model, path, options);
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(write_message(message, into(file, options)));
  return file.commit();
}

}  // namespace verge::format::onnx
