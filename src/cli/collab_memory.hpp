#pragma once
// A budget of bytes for what a server keeps of devices' texts: pages of keys and values, hidden
// states that wait to be computed, and the newest logits. All get room for as many positions of
// whole texts; of many short ones the logits take more.

#include <string>

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/model/memory_need.hpp>

namespace verge::cli {

/// What one text of the longest context takes.
struct ContextCost {
  int64_t tokens = 0;  // whole pages
  int64_t page_tokens = 1;
  int64_t kv_bytes = 0;
  int64_t states_bytes = 0;
  int64_t logits_bytes = 0;  // of its newest position
  int64_t total() const { return kv_bytes + states_bytes + logits_bytes; }
};

struct ContextBudget {
  int64_t kv_tokens = 0;
  int64_t kv_bytes = 0;
  int64_t states_bytes = 0;
  int64_t logits_bytes = 0;
};

/// Of the layers that `load` names of a model or split file, without loading it. Fails as reading
/// the file and planning its memory do.
Result<ContextCost> context_cost(const std::string& path, const model::LoadOptions& load);

/// Fails with OutOfMemory for less than one context, naming the least.
Result<ContextBudget> share_budget(int64_t bytes, const ContextCost& cost);

/// What a server was planned to take.
struct ContextPlan {
  model::MemoryNeed model = {};
  int64_t kv_tokens = 0;  // 0: one context
  int64_t states_bytes = 0;
  int64_t logits_bytes = 0;  // with a budget
  int64_t available_bytes = 0;
  int64_t total() const { return model.total() + states_bytes + logits_bytes; }
};

/// With a budget of `bytes`, or of the defaults for 0: as many keys and values as `load` says, and
/// `states_bytes`. Fails as the others, and with OutOfMemory for a budget that is not there.
Result<ContextPlan> plan_contexts(const std::string& path, const model::LoadOptions& load,
                                  int64_t bytes, int64_t states_bytes);

}  // namespace verge::cli
