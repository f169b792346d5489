#pragma once
// Tensors of Hugging Face folders as GGUF keeps them: renamed, vectors in f32, Gemma's norms with
// their 1 added, Llama's query and key rows marked for interleaving.

#include <verge/core/result.hpp>
#include <verge/engine/format/hf/hyper_parameters.hpp>
#include <verge/engine/format/model_source.hpp>

namespace verge::format {

/// Adds the tensor to `source`, or nothing if GGUF does not keep it. Unsupported for a name the
/// family does not have, Malformed for rows that heads do not divide.
Status add_hf_tensor(const HyperParameters& parameters, const StoredTensor& tensor,
                     ModelSource& source);

/// Heads whose rows GGUF interleaves in the tensor of this name: those of Llama's queries and keys;
/// 0 for other tensors.
uint32_t interleaved_heads(const HfFamily& family, std::string_view name, uint32_t heads,
                           uint32_t kv_heads);
/// Marks a tensor's rows so. Malformed for rows that heads do not divide.
Status mark_interleaved(StoredTensor& tensor, uint32_t heads);

Status add_rope_factors(const HyperParameters& parameters, ModelSource& source);

}  // namespace verge::format
