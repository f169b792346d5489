#pragma once
// What a tuning leaves: the model with its new weights in the format it came in, or the factors of
// a language model as an adapter. The changes alone: tuned_delta.hpp.

#include <string>

#include <verge/core/threads.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

namespace verge::fit {

/// Whether what a plan updates can be written as a file of the base's kind: fails as place_in_file
/// does; of an ONNX network with Unsupported for branches, which no writer knows, and with
/// InvalidArgument for a name of another kind.
Status expect_writable(const std::string& path, const BaseModel& base, const TrainingPlan& plan);

/// `lineage`: what is recorded beside the weights. An ONNX network is its file with other values:
/// its open extents stay open. Fails as expect_writable does.
Status write_tuned(const std::string& path, const BaseModel& base, const TrainingPlan& plan,
                   TuningRun& run, const std::vector<std::pair<std::string, std::string>>& lineage,
                   ThreadPool& pool);

}  // namespace verge::fit
