#pragma once
// The rotary embedding's base and the ways to stretch it, from config.json to GGUF.

#include <cstdint>
#include <vector>

#include <verge/engine/format/hf/hyper_parameters.hpp>

namespace verge::format {

/// Llama 3.1's stretching by wavelength (Llama Team 2024, section 3.4.1; constants in its release):
/// long waves are slowed by `factor`, short ones kept, those between blended.
struct Llama3Scaling {
  double base = 10000;
  double factor = 1;
  double low = 1;   // waves within the original context below which all is slowed
  double high = 4;  // and above which nothing is
  double original_context = 8192;
};

/// What each frequency is divided by, rotary_dims / 2 of them.
std::vector<float> llama3_divisors(const Llama3Scaling& scaling, uint32_t rotary_dims);

/// Sets rope.freq_base and rope.scaling.*, and the factors that GGUF keeps as tensors. Reads the
/// fields rope_theta and rope_scaling, or rope_parameters, which holds both since transformers 5.
Status read_rope_scaling(const JsonObject& config, uint32_t rotary_dims, HyperParameters& out);

}  // namespace verge::format
