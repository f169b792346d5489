#include <verge/cli/collab_memory.hpp>
#include <verge/core/machine.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/file_facts.hpp>

namespace verge::cli {

Result<ContextCost> context_cost(const std::string& path, const model::LoadOptions& load) {
  VERGE_TRY(const format::ModelSource source, format::ModelSource::open(path));
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(model::FileFacts(source)));
  model::LoadOptions one = load;
  one.kv_tokens = 0;  // one context
  const nn::DecoderShape shape = model::decoder_shape(config, one);
  VERGE_TRY(const model::MemoryNeed need, model::plan_memory_need(source, one));
  const int64_t tokens = shape.pages_per_sequence * shape.page_tokens;
  return ContextCost{.tokens = tokens,
                     .page_tokens = shape.page_tokens,
                     .kv_bytes = need.kv_bytes,
                     .states_bytes = tokens * config.d_model * static_cast<int64_t>(sizeof(float)),
                     .logits_bytes = config.vocab * static_cast<int64_t>(sizeof(float))};
}

Result<ContextBudget> share_budget(int64_t bytes, const ContextCost& cost) {
  if (bytes < cost.total()) {
    constexpr int64_t kKiB = 1024;
    return make_error(
        Code::OutOfMemory,
        "--mem {}: one text of {} tokens takes {} of keys and values, {} of states and "
        "{} of logits; give {}K or more, or a shorter --collab-context",
        show_bytes(bytes), cost.tokens, show_bytes(cost.kv_bytes), show_bytes(cost.states_bytes),
        show_bytes(cost.logits_bytes), (cost.total() + kKiB - 1) / kKiB);
  }
  const int64_t context_pages = cost.tokens / cost.page_tokens;
  const int64_t page_kv = cost.kv_bytes / context_pages;
  const int64_t page_states = cost.states_bytes / context_pages;
  constexpr int64_t kMostTokens = int64_t{1} << 30;
  // Of the last text that has room in part, the logits have it whole.
  const int64_t contexts = bytes / cost.total();
  const int64_t rest = bytes % cost.total() - cost.logits_bytes;
  const int64_t rest_pages = std::max<int64_t>(0, rest / (page_kv + page_states));
  const int64_t pages =
      std::min(contexts * context_pages + rest_pages, kMostTokens / cost.page_tokens);
  const int64_t logits = (pages + context_pages - 1) / context_pages * cost.logits_bytes;
  return ContextBudget{.kv_tokens = pages * cost.page_tokens,
                       .kv_bytes = pages * page_kv,
                       .states_bytes = bytes - pages * page_kv - logits,
                       .logits_bytes = logits};
}

Result<ContextPlan> plan_contexts(const std::string& path, const model::LoadOptions& load,
                                  int64_t bytes, int64_t states_bytes) {
  ContextPlan plan{.states_bytes = states_bytes, .available_bytes = available_memory_bytes()};
  model::LoadOptions planned = load;
  if (bytes > 0) {
    VERGE_TRY(const ContextCost cost, context_cost(path, load));
    VERGE_TRY(const ContextBudget budget, share_budget(bytes, cost));
    plan.kv_tokens = planned.kv_tokens = budget.kv_tokens;
    plan.states_bytes = budget.states_bytes;
    plan.logits_bytes = budget.logits_bytes;
  }
  VERGE_TRY(const format::ModelSource source, format::ModelSource::open(path));
  VERGE_TRY(plan.model, model::plan_memory_need(source, planned));
  if (bytes == 0 || plan.total() <= plan.available_bytes) return plan;
  return make_error(
      Code::OutOfMemory,
      "--mem {}: beside weights of {} and activations of {} there are {} available; give less",
      show_bytes(bytes), show_bytes(plan.model.weights_bytes), show_bytes(plan.model.arena_bytes),
      show_bytes(std::max<int64_t>(
          0, plan.available_bytes - plan.model.weights_bytes - plan.model.arena_bytes)));
}

}  // namespace verge::cli
