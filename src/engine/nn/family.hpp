#pragma once
// Family: how one architecture name of model files maps to a DecoderConfig. Each file of families/
// defines one.

#include <span>

#include <verge/engine/nn/config.hpp>

namespace verge::nn {

struct Family {
  std::string_view architecture;  // general.architecture of GGUF
  /// Adds to what read_config has read from the common keys.
  Status (*configure)(const ModelFacts& facts, DecoderConfig& config);
};

namespace families {
std::span<const Family> table();  // generated from the files of families/
}

}  // namespace verge::nn
