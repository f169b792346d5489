#include <algorithm>
#include <filesystem>
#include <map>

#include <verge/core/file.hpp>
#include <verge/engine/format/onnx/external_data.hpp>

namespace verge::format::onnx {
namespace {

namespace fs = std::filesystem;

class ExternalFiles {
 public:
  explicit ExternalFiles(const std::string& folder) : folder_(folder.empty() ? "." : folder) {}

  Status attach(GraphData& graph) {
    for (TensorData& tensor : graph.initializers) VERGE_RETURN_IF_ERROR(attach(tensor));
    for (NodeData& node : graph.nodes) {
      for (Attribute& attribute : node.attributes) {
        if (attribute.tensor) VERGE_RETURN_IF_ERROR(attach(*attribute.tensor));
        if (attribute.graph) VERGE_RETURN_IF_ERROR(attach(*attribute.graph));
      }
    }
    return {};
  }

 private:
  Status attach(TensorData& tensor) {
    if (!tensor.external) return {};
    const ExternalData& at = *tensor.external;
    VERGE_TRY(const auto file, open(tensor));
    const auto wanted = static_cast<uint64_t>(tensor.count() * element_bytes(tensor.type));
    const uint64_t length = at.length.value_or(wanted);
    if (length != wanted || at.offset > file->size() || length > file->size() - at.offset) {
      return make_error(Code::Malformed,
                        "tensor \"{}\": needs {} bytes, {} from byte {} on of the {} of {} are "
                        "named; fetch both files again",
                        tensor.name, wanted, length, at.offset, file->size(), file->path());
    }
    tensor.bytes = file->bytes().subspan(at.offset, length);
    tensor.owner = file;
    return {};
  }

  Result<std::shared_ptr<const MappedFile>> open(const TensorData& tensor) {
    const std::string& location = tensor.external->location;
    if (const auto known = files_.find(location); known != files_.end()) return known->second;
    std::error_code ignored;
    const fs::path root = fs::weakly_canonical(folder_, ignored);
    const fs::path path = fs::weakly_canonical(folder_ / location, ignored);
    const auto split = std::ranges::mismatch(root, path);
    if (location.empty() || fs::path(location).is_absolute() || split.in1 != root.end()) {
      return make_error(Code::Denied,
                        "tensor \"{}\": its values lie in \"{}\", outside of the model's folder; "
                        "put them beside the model",
                        tensor.name, location);
    }
    VERGE_TRY(MappedFile mapped, MappedFile::open(path.string()));
    auto file = std::make_shared<const MappedFile>(std::move(mapped));
    files_.emplace(location, file);
    return file;
  }

  const fs::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace

Status attach_external_data(GraphData& graph, const std::string& folder) {
  return ExternalFiles(folder).attach(graph);
}

}  // namespace verge::format::onnx
