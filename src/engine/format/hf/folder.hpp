#pragma once
// A Hugging Face model folder (config.json, tokenizer.json, model*.safetensors) as a ModelSource.

#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/format/model_source.hpp>

namespace verge::format {

/// Besides hyper-parameters and tensors, sets tokenizer_json, and in metadata: general.name,
/// tokenizer.chat_template, tokenizer.ggml.bos_token_id, eos_token_id, add_bos_token where the
/// folder says so, and verge.eos_token_ids where it names several. NotFound for a missing file,
/// Unsupported for a tensor that the family does not have.
Result<ModelSource> open_hf_folder(const std::string& path);

}  // namespace verge::format
