#pragma once
// MemoryNeed: what loading a model will take, known before it begins.

#include <cstdint>

#include <verge/core/result.hpp>
#include <verge/engine/nn/config.hpp>

namespace verge::format {
class ModelSource;
}

namespace verge::runtime {
struct PlanFile;
struct Residency;
}  // namespace verge::runtime

namespace verge::model {

struct LoadOptions;

struct MemoryNeed {
  int64_t weights_bytes = 0;   // with adapters; below a ceiling: those that stay, and the window
  int64_t kv_bytes = 0;        // of the whole pool of pages
  int64_t arena_bytes = 0;     // activations and inputs, both plans
  int64_t streamed_bytes = 0;  // of weights that each run reads from storage: not in memory
  int64_t total() const { return weights_bytes + kv_bytes + arena_bytes; }
};

/// Of programs of these layers whose weights all stay, without adapters.
MemoryNeed need_of(const format::ModelSource& source, const runtime::PlanFile& compiled,
                   nn::LayerSpan layers);
/// Below a ceiling.
MemoryNeed need_of(const runtime::Residency& residency);

/// The planned memory of a model at a context, with adapters and below the ceiling that the options
/// name, without loading its weights. Fails as plan_adapters, and with OutOfMemory for a ceiling
/// that cannot be kept, naming the least.
Result<MemoryNeed> plan_memory_need(const format::ModelSource& source, const LoadOptions& options);

}  // namespace verge::model
