#pragma once
// What a model file says of the split that it belongs to, for the two ends to compare.

#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/collab/protocol.hpp>

namespace verge::serve {

/// Of a split file, or of a whole model that is cut after `exit1` layers where the device has
/// `exit2` (0: the model's first two exits). Fails with Unsupported for exits without a head,
/// InvalidArgument for exit1 >= exit2 or exits that a split file was not made for. Cost: reads
/// every tensor of a whole model.
Result<SplitIdentity> split_identity(const model::LanguageModel& model, int64_t exit1 = 0,
                                     int64_t exit2 = 0);

}  // namespace verge::serve
