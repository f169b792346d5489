#pragma once
// Early-exit heads in a model's metadata, where other readers pass over them.

#include <cstdint>
#include <span>
#include <vector>

#include <verge/engine/format/metadata.hpp>

namespace verge::model {

struct ExitHead {
  int64_t after = 0;  // layers
  double temperature = 1;
  std::vector<float> norm = {};  // [d_model]
};

/// Sets verge.exit_layers, verge.exit.temperature and verge.exit.N.norm, in place of what there is;
/// no heads: none of them.
void write_exit_heads(std::span<const ExitHead> heads, format::Metadata& metadata);

}  // namespace verge::model
