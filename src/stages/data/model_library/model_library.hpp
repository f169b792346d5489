#pragma once
// The user's models by name: import, and what a name stands for.
//
//   VERGE_TRY(store::Store store, store::Store::open(root));
//   VERGE_TRY(Import import, import_model(store, {.path = "qwen.gguf", .name = "qwen"}));
//   VERGE_TRY(std::string path, model_path(store, "qwen"));    // a path that exists wins

#include <cstdint>
#include <string>
#include <string_view>

#include <verge/engine/format/model_source.hpp>
#include <verge/platform/store/store.hpp>

namespace verge::data {

inline constexpr const char* kModel = "model";  // the kind of artifact

/// What a list of models shows.
struct ModelFacts {
  std::string format;        // "GGUF v3", "safetensors"
  std::string architecture;  // "llama"
  int64_t parameters = 0;
  std::string type;     // of most bytes: "Q4_K"
  int64_t context = 0;  // trained, in tokens; 0: the file does not say
};

ModelFacts facts_of(const format::ModelSource& source);
std::string to_json(const ModelFacts& facts);
/// Unknown fields and broken JSON give empty facts: a list must not fail for one entry.
ModelFacts facts_from_json(std::string_view json);

struct ImportRequest {
  std::string path;       // a GGUF file, or a folder with config.json and model*.safetensors
  std::string name = {};  // empty: from the file's name
  store::Blobs::How how = store::Blobs::How::Copy;
};

struct Import {
  store::Artifact artifact;
  ModelFacts facts;
  bool was_there = false;
  std::string obstacle;  // why this Verge cannot run it, or empty
};

/// Of a folder it takes what a model is loaded from, and no pickles, which may run code. Fails as
/// ModelSource::open and Store::add do; InvalidArgument for a bad name.
Result<Import> import_model(store::Store& store, const ImportRequest& request,
                            const store::Watch& watch = {});

/// "Qwen 2.gguf" is "Qwen-2": the file's name without its extension, in the letters of a name.
std::string default_name(const std::string& path);

/// What to open for `model`: itself if that path exists or cannot be a name, else the stored model.
/// NotFound tells the nearest names.
Result<std::string> model_path(const store::Store& store, const std::string& model);

}  // namespace verge::data
