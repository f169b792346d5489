#pragma once
// The rotary embedding's base and the ways to stretch it, from config.json to GGUF.

#include <cstdint>

#include <verge/engine/format/hf/hyper_parameters.hpp>

namespace verge::format {

/// Sets rope.freq_base and rope.scaling.*, and the factors that GGUF keeps as tensors. Reads the
/// fields rope_theta and rope_scaling, or rope_parameters, which holds both since transformers 5.
Status read_rope_scaling(const JsonObject& config, uint32_t rotary_dims, HyperParameters& out);

}  // namespace verge::format
