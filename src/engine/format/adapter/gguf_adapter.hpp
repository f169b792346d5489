#pragma once
// Adapters as llama.cpp's convert_lora_to_gguf writes them: general.type "adapter", adapter.type
// "lora", adapter.lora.alpha, tensors "<weight>.lora_a" [rank, in] and "<weight>.lora_b" [out,
// rank]. An alpha of 0 or none means a scale of 1.

#include <verge/engine/format/adapter/adapter_file.hpp>

namespace verge::format {

/// Not yet checked against the matrices of the base, but its architecture is.
Result<AdapterFile> open_gguf_adapter(const std::string& path, const ModelSource& base);

}  // namespace verge::format
