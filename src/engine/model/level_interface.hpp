#pragma once
// What runs a network of levels relies on, whatever its file says (level_file.hpp).

#include <verge/engine/graph/ir.hpp>
#include <verge/engine/nn/cnn.hpp>

namespace verge::model {

/// The one input of `graph`: i8 images [batch, channels, height, width] of the config's sizes.
/// Fails with Malformed where that or the only output, "logits" f32 [batch, classes], is not there,
/// for states, for images named "labels" as an input of training is, and for a name that two
/// params, inputs or outputs share: they are found by it.
Result<graph::ValueId> expect_level_interface(const graph::Graph& graph,
                                              const nn::CnnConfig& config, int64_t batch);

}  // namespace verge::model
