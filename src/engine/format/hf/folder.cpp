#include <algorithm>
#include <filesystem>
#include <set>

#include <verge/engine/format/hf/folder.hpp>
#include <verge/engine/format/hf/hyper_parameters.hpp>
#include <verge/engine/format/hf/tensors.hpp>
#include <verge/engine/format/hf/vocabulary.hpp>
#include <verge/engine/format/safetensors/reader.hpp>

namespace verge::format {
namespace {

namespace fs = std::filesystem;

struct Shards {
  std::set<std::string> files;                               // names within the folder
  std::vector<std::pair<std::string, std::string>> tensors;  // where the index says each one lies
};

Result<Shards> read_index(const std::string& path) {
  VERGE_TRY(const JsonObject index, JsonObject::open(path));
  VERGE_TRY(const std::optional<JsonObject> map, index.object("weight_map"));
  if (!map) return make_error(Code::Malformed, "{}: weight_map is missing; fetch it again", path);
  Shards shards;
  for (const auto& [tensor, file] : map->json().items()) {
    const bool is_plain =
        file.is_string() && file.get<std::string>().find('/') == std::string::npos;
    if (!is_plain) {
      return make_error(Code::Malformed,
                        "{}: tensor {} does not lie in a file of this folder; fetch it again", path,
                        tensor);
    }
    shards.files.insert(file.get<std::string>());
    shards.tensors.emplace_back(tensor, file.get<std::string>());
  }
  return shards;
}

Result<Shards> find_shards(const std::string& folder) {
  const std::string index = folder + "/model.safetensors.index.json";
  if (fs::exists(index)) return read_index(index);
  Shards shards;
  bool has_pickles = false;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("model") && name.ends_with(".safetensors")) shards.files.insert(name);
    has_pickles |= name.starts_with("pytorch_model");
  }
  if (!shards.files.empty()) return shards;
  return make_error(Code::NotFound, "{}: no model*.safetensors{}; fetch the model as safetensors",
                    folder, has_pickles ? ", only PyTorch pickles, which may run code" : "");
}

Status check_index(const Shards& shards, const std::string& folder,
                   const std::set<std::string>& found) {
  for (const auto& [tensor, file] : shards.tensors) {
    if (!found.contains(file + "\n" + tensor)) {
      return make_error(Code::Malformed, "{}/{}: tensor {} of the index is missing; fetch it again",
                        folder, file, tensor);
    }
  }
  return {};
}

}  // namespace

Result<ModelSource> open_hf_folder(const std::string& path) {
  VERGE_TRY(const JsonObject config, JsonObject::open(path + "/config.json"));
  VERGE_TRY(HyperParameters parameters, read_hyper_parameters(config));
  VERGE_TRY(const Shards shards, find_shards(path));
  ModelSource source;
  source.path = path;
  source.format = "safetensors";
  source.metadata = parameters.metadata;
  source.metadata.set("general.name", fs::weakly_canonical(path).filename().string());
  VERGE_RETURN_IF_ERROR(read_vocabulary(path, config, source));
  std::set<std::string> found;
  for (const std::string& name : shards.files) {
    VERGE_TRY(const Safetensors file, Safetensors::open(path + "/" + name));
    source.files.push_back(file.file());
    for (const StoredTensor& tensor : file.tensors()) {
      const Status added = add_hf_tensor(parameters, tensor, source);
      if (!added) {
        return make_error(added.error().code, "{}/{}: {}", path, name, added.error().message);
      }
      if (!shards.tensors.empty()) found.insert(name + "\n" + tensor.name);
    }
  }
  VERGE_RETURN_IF_ERROR(check_index(shards, path, found));
  VERGE_RETURN_IF_ERROR(add_rope_factors(parameters, source));
  if (!parameters.tied && source.find("output.weight") == nullptr) {
    return make_error(Code::NotFound,
                      "{}: tensor lm_head.weight is missing; fetch the model again, or set "
                      "tie_word_embeddings in config.json",
                      path);
  }
  return source;
}

}  // namespace verge::format
