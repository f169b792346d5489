#pragma once
// What the Gemma generations share: scaled embeddings, GELU gates, half-split rotary pairs.

#include <cmath>

#include <verge/engine/nn/config.hpp>

namespace verge::nn::families {

inline void configure_gemma(DecoderConfig& config) {
  config.rope.pairs = RopePairs::Half;
  config.activation = Activation::GeluTanh;
  config.embedding_scale = std::sqrt(static_cast<double>(config.d_model));
}

}  // namespace verge::nn::families
