#pragma once
// What a tuning leaves: the model with its new weights in the format it came in, the factors of a
// language model as an adapter, or the changed tensors alone.

#include <string>

#include <verge/core/threads.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

namespace verge::fit {

/// `lineage`: what is recorded beside the weights. Fails with Unsupported for an ONNX network.
Status write_tuned(const std::string& path, const BaseModel& base, const TrainingPlan& plan,
                   TuningRun& run, const std::vector<std::pair<std::string, std::string>>& lineage,
                   ThreadPool& pool);

/// runtime::write_delta against the base.
Result<int64_t> write_tuned_delta(const std::string& path, const BaseModel& base, TuningRun& run);

}  // namespace verge::fit
