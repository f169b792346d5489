#pragma once
// ModelSource: what a model file or folder holds, under GGUF's names whatever its format, so that
// the rest of Verge knows one set of keys and tensor names.
//
//   VERGE_TRY(ModelSource model, ModelSource::open("model.gguf"));
//   VERGE_TRY(uint32_t layers, model.metadata.get_u32("llama.block_count"));
//   const StoredTensor* q = model.find("blk.0.attn_q.weight");
//
// Tensors stay in their files until read. Values of one-dimensional tensors are f32 if they were
// f16 or bf16, as GGUF keeps them. Movable; tensors, metadata and their copies stay valid as long
// as the ModelSource, or a copy of `files` and `memory`, lives.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <verge/core/file.hpp>
#include <verge/core/result.hpp>
#include <verge/engine/format/metadata.hpp>
#include <verge/engine/format/stored_tensor.hpp>

namespace verge::format {

class ModelSource {
 public:
  static Result<ModelSource> open(const std::string& path);

  ModelSource() = default;
  ModelSource(ModelSource&&) = default;
  ModelSource& operator=(ModelSource&&) = default;

  std::string path;
  std::string format;  // "GGUF v3", "safetensors"
  Metadata metadata;
  /// Where the vocabulary comes from: empty means metadata (tokenizer.ggml.*), else the path of a
  /// tokenizer.json.
  std::string tokenizer_json;
  std::vector<std::shared_ptr<const MappedFile>> files;  // for advise()
  std::vector<std::shared_ptr<const void>> memory;       // of tensors made at loading

  std::span<const StoredTensor> tensors() const { return tensors_; }
  const StoredTensor* find(std::string_view name) const;
  /// Malformed if the name exists.
  Status add(StoredTensor tensor);

 private:
  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace verge::format
