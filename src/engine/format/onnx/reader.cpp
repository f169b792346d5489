#include <filesystem>

#include <verge/engine/format/file_kind.hpp>
#include <verge/engine/format/onnx/external_data.hpp>
#include <verge/engine/format/onnx/messages.hpp>
#include <verge/engine/format/onnx/reader.hpp>

namespace verge::format::onnx {
namespace {

/// Calls f(tensor) for all constants of a graph and its branches.
template <typename F>
void each_tensor(const GraphData& graph, const F& f) {
  for (const TensorData& tensor : graph.initializers) f(tensor);
  for (const NodeData& node : graph.nodes) {
    for (const Attribute& attribute : node.attributes) {
      if (attribute.tensor) f(*attribute.tensor);
      if (attribute.graph) each_tensor(*attribute.graph, f);
    }
  }
}

Error named(std::string_view path, const Error& error) {
  return make_error(error.code, "{}: {}", path, error.message);
}

}  // namespace

Result<Onnx> Onnx::parse(std::span<const std::byte> bytes, std::string_view path) {
  const FileKind kind = recognize(bytes);
  if (kind != FileKind::Onnx && kind != FileKind::Unknown) return wrong_kind(path, "ONNX", kind);
  auto model = read_model(bytes);
  if (!model) return named(path, model.error());
  Onnx file;
  file.model_ = std::move(*model);
  file.path_ = path;
  return file;
}

Result<Onnx> Onnx::open(const std::string& path) {
  VERGE_TRY(MappedFile mapped, MappedFile::open(path));
  auto file = std::make_shared<const MappedFile>(std::move(mapped));
  VERGE_TRY(Onnx out, parse(file->bytes(), path));
  out.file_ = std::move(file);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Status attached = attach_external_data(out.model_.graph, folder);
  if (!attached) return named(path, attached.error());
  return out;
}

int64_t Onnx::parameters() const {
  int64_t count = 0;
  each_tensor(model_.graph, [&](const TensorData& tensor) {
    if (is_float(tensor.type)) count += tensor.count();
  });
  return count;
}

}  // namespace verge::format::onnx
