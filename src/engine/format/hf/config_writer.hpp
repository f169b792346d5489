#pragma once
// config.json of a Hugging Face folder from a model's GGUF metadata: read_hyper_parameters()
// backwards, for the layouts whose tensors stand alone (Llama, Mistral, Qwen2, Qwen3).

#include <string>

#include <verge/core/dtype.hpp>
#include <verge/core/result.hpp>
#include <verge/engine/format/model_source.hpp>

namespace verge::format {

/// `dtype`: F32, F16 or BF16, of the matrices beside it. Unsupported for another architecture, for
/// experts, or for a stretching of the rotary embedding that config.json has no words for; NotFound
/// or Malformed for a key.
Result<std::string> hf_config(const ModelSource& source, DType dtype);

}  // namespace verge::format
