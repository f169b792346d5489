#pragma once
// What of a model file can be read whenever it is wanted, and what of it then stays in memory.

#include <verge/core/clock.hpp>
#include <verge/engine/model/compiled_model.hpp>
#include <verge/engine/runtime/residency.hpp>

namespace verge::runtime {
class WeightStore;
}

namespace verge::model {

/// The mapped file that holds a tensor's bytes; nullptr where they were made at opening.
std::shared_ptr<const MappedFile> file_of(const format::ModelSource& source,
                                          const format::StoredTensor& tensor);

std::vector<const runtime::Program*> programs_of(const runtime::PlanFile& compiled);

/// runtime::plan_residency for a model's programs: matrices that stand in the file as they are used
/// can be streamed. The ceiling is options.memory_bytes. `adapters`: what the programs were
/// compiled with.
Result<runtime::Residency> model_residency(const format::ModelSource& source,
                                           const runtime::PlanFile& compiled,
                                           const LoadOptions& options,
                                           const graph::AdapterLayout* adapters = nullptr);

/// Tells the store where those matrices of its layers lie; their files are opened anew, for direct
/// reads, as open_unchanged.
Status set_places(const format::ModelSource& source, nn::LayerSpan layers,
                  runtime::WeightStore& weights);

/// Takes the files out of the page cache: what opening has touched, with what was read around it.
void drop_cached(const format::ModelSource& source);

/// Bytes a second that direct reads of the model's largest file give, some tens of MiB of it.
Result<double> storage_rate(const format::ModelSource& source, const Clock& clock);

}  // namespace verge::model
