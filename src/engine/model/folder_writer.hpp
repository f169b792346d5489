#pragma once
// A model as a Hugging Face folder: config.json, tokenizer.json, tokenizer_config.json and one
// model.safetensors, for tools that do not read GGUF.

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include <verge/core/threads.hpp>
#include <verge/engine/format/model_source.hpp>

namespace verge::model {

struct FolderOptions {
  /// F32, F16 or BF16 for all matrices. Without it those three stay as they are and quantized types
  /// become F16. Vectors are F32, as GGUF keeps them.
  std::optional<DType> dtype;
  std::function<void(int64_t done_bytes, int64_t all_bytes)> on_progress = {};
  const std::atomic<bool>* cancel = nullptr;
};

/// Writes the whole folder or nothing. Fails with Conflict when `folder` exists, Unsupported as
/// format::hf_config and text::tokenizer_json do, Io as AtomicFile.
Status write_hf_folder(const format::ModelSource& source, const std::string& folder,
                       const FolderOptions& options, ThreadPool& pool);

}  // namespace verge::model
