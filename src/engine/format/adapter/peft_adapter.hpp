#pragma once
// Adapters as Hugging Face's PEFT saves them: a folder with adapter_config.json and
// adapter_model.safetensors, tensors "base_model.model.<module>.lora_A.weight" [rank, in] and
// lora_B [out, rank]. The scale is lora_alpha / r, or lora_alpha / sqrt(r) with use_rslora
// (Kalajdzievski 2023); rank_pattern and alpha_pattern may set both for modules by name.

#include <verge/engine/format/adapter/adapter_file.hpp>

namespace verge::format {

/// Names and the order of Llama's query and key rows become those of GGUF; the base says which
/// family it is and how many heads it has.
Result<AdapterFile> open_peft_adapter(const std::string& path, const ModelSource& base);

}  // namespace verge::format
