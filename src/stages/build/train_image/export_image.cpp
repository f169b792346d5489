#include <algorithm>

#include <verge/engine/format/onnx/writer.hpp>
#include <verge/engine/onnx/export.hpp>
#include <verge/stages/build/train_image/export_image.hpp>
#include <verge/stages/build/train_image/pixel_graph.hpp>

namespace verge::build {
namespace {

constexpr int64_t kMostImages = 1 << 16;  // of a batch

void open_batch(graph::Graph& graph) {
  graph.symbols.push_back({"batch", kMostImages});
  const auto batch = static_cast<graph::SymbolId>(graph.symbols.size() - 1);
  for (graph::Value& value : graph.values) {
    const bool has_batch =
        value.kind == graph::ValueKind::Input || value.kind == graph::ValueKind::Activation;
    if (has_batch) value.type.dims[0] = graph::Dim(1, batch);
  }
}

onnx::Port port(const graph::Graph& graph, const std::string& name) {
  return {.name = name,
          .type = format::onnx::ElementType::Float,
          .shape = graph.bound_shape(graph.value(graph.find(name)).type),
          .value = name};
}

}  // namespace

Status export_image(const std::string& path, const std::string& target,
                    const format::onnx::WriteOptions& options) {
  VERGE_TRY(const format::Safetensors file, format::Safetensors::open(path));
  VERGE_TRY(const model::ImageNetwork image_network, model::read_network(file, path));
  onnx::Network network;
  VERGE_TRY(network.graph, pixel_graph(image_network));
  open_batch(network.graph);
  network.inputs = {port(network.graph, "pixels")};
  network.outputs = {port(network.graph, "logits")};
  for (const nn::CnnParameter& parameter : nn::cnn_parameters(image_network.config)) {
    const auto tensor =
        std::ranges::find(file.tensors(), parameter.name, &format::StoredTensor::name);
    if (tensor == file.tensors().end()) {
      return make_error(Code::Malformed, "{}: has no tensor {}; train it again", path,
                        parameter.name);
    }
    VERGE_TRY(const TensorView view, tensor->view());
    if (view.dtype != DType::F32 || view.shape != parameter.shape) {
      return make_error(Code::Malformed, "{}: tensor {} is {} {}, not f32 {}", path, parameter.name,
                        name(view.dtype), view.shape.str(), parameter.shape.str());
    }
    network.weights.push_back({parameter.name, view, file.file()});
  }
  std::vector<std::pair<std::string, std::string>> metadata;
  for (const auto& [key, value] : file.metadata()) metadata.emplace_back(key, value);
  VERGE_TRY(const auto model, onnx::export_onnx(network, std::move(metadata)));
  return format::onnx::write_onnx(model, target, options);
}

}  // namespace verge::build
