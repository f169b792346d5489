#pragma once
// measure_node: what a layer and a head take on this machine, from real runs of a model: what the
// cost model of a split is computed from (cost_model.hpp).

#include <verge/core/clock.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/collab/cost_model.hpp>

namespace verge::serve {

struct NodeTimesOptions {
  int64_t context = 64;  // positions before those that run
  int repeats = 9;       // of each size; their median counts
};

/// Rows that runs are measured with: LoadOptions::max_sequences must be that many.
inline constexpr int64_t kMostTimedRows = 8;

/// Of a whole model with an exit, which runs 1 to kMostTimedRows rows as decoded ones. A layer's
/// time is that of the longest run of layers that ends without a head, over their number; a head's
/// what the layer before the first exit takes longer than one without, and its confidence. Fails
/// as the engine does, with Unsupported for a model in which every layer has a head.
Result<NodeCost> measure_node(model::LanguageModel& model, const Clock& clock,
                              const NodeTimesOptions& options = {});

}  // namespace verge::serve
