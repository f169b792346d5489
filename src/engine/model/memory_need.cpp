#include <verge/core/machine.hpp>
#include <verge/engine/model/adapter_set.hpp>
#include <verge/engine/model/compiled_model.hpp>
#include <verge/engine/model/memory_need.hpp>
#include <verge/engine/model/model_graph.hpp>
#include <verge/engine/model/model_residency.hpp>
#include <verge/engine/model/split_facts.hpp>

namespace verge::model {

MemoryNeed need_of(const format::ModelSource& source, const runtime::PlanFile& compiled,
                   nn::LayerSpan layers) {
  MemoryNeed need;
  for (const format::StoredTensor* tensor : tensors_of(source, layers)) {
    need.weights_bytes += static_cast<int64_t>(tensor->bytes.size());
  }
  const runtime::FixedMemory fixed = runtime::fixed_memory(programs_of(compiled));
  need.kv_bytes = fixed.kv_bytes;
  need.arena_bytes = fixed.arena_bytes;
  return need;
}

MemoryNeed need_of(const runtime::Residency& residency) {
  return {.weights_bytes = residency.pinned_bytes + residency.window_bytes,
          .kv_bytes = residency.fixed.kv_bytes,
          .arena_bytes = residency.fixed.arena_bytes + residency.fixed.later_bytes,
          .streamed_bytes = residency.streamed_bytes};
}

Result<MemoryNeed> plan_memory_need(const format::ModelSource& source, const LoadOptions& options) {
  std::optional<graph::AdapterLayout> layout;
  int64_t adapter_bytes = 0;
  if (has_adapters(options)) {
    VERGE_TRY(const graph::Graph graph, model_graph(source, options, GraphUse::Decode));
    VERGE_TRY(layout, plan_adapters(source, graph, options));
    adapter_bytes = bytes_of_adapters(graph, *layout);
  }
  const graph::AdapterLayout* adapters = layout ? &*layout : nullptr;
  VERGE_TRY(const runtime::PlanFile compiled,
            compile_model(source, options, available_cores(), {}, adapters));
  if (options.memory_bytes > 0) {
    VERGE_TRY(const runtime::Residency residency,
              model_residency(source, compiled, options, adapters));
    return need_of(residency);
  }
  MemoryNeed need = need_of(source, compiled, options.layers);
  need.weights_bytes += adapter_bytes;
  return need;
}

}  // namespace verge::model
