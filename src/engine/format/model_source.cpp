#include <filesystem>

#include <verge/engine/format/gguf/reader.hpp>
#include <verge/engine/format/hf/folder.hpp>
#include <verge/engine/format/model_source.hpp>

namespace verge::format {
namespace {

Result<ModelSource> open_gguf(const std::string& path) {
  VERGE_TRY(Gguf file, Gguf::open(path));
  ModelSource source;
  source.path = path;
  source.format = fmt::format("GGUF v{}", file.version());
  source.metadata = file.metadata();
  source.files.push_back(file.file());
  for (const StoredTensor& tensor : file.tensors()) {
    VERGE_RETURN_IF_ERROR(source.add(tensor));
  }
  return source;
}

}  // namespace

Result<ModelSource> ModelSource::open(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return open_hf_folder(path);
  return open_gguf(path);
}

const StoredTensor* ModelSource::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

Status ModelSource::add(StoredTensor tensor) {
  if (!index_.emplace(tensor.name, tensors_.size()).second) {
    return make_error(Code::Malformed, "{}: tensor {} appears twice; convert the model again", path,
                      tensor.name);
  }
  tensors_.push_back(std::move(tensor));
  return {};
}

}  // namespace verge::format
