#include <algorithm>

#include <verge/engine/runtime/residency.hpp>
#include <verge/stages/serve/scheduler/batch.hpp>
#include <verge/stages/serve/scheduler/batch_rows.hpp>

namespace verge::serve {
namespace {

constexpr size_t kCandidates = 16;  // of a tenant and priority: they are taken in order
constexpr size_t kBatchSizes = 64;

// Its scores are of other bits than its answer must be drawn from.
bool runs_again(const Task& task) {
  return !task.is_scored && !task.is_exact && task.answer.options().max_tokens != 0;
}

bool runs_in_step(const BatchItem& item) {
  return !item.task->runs_hidden();
}

}  // namespace

Batch::Batch(model::LanguageModel& model, ThreadPool& pool, const Clock& clock,
             BatchOptions options, SpillStore& spills, ProposerFactory proposers)
    : model_(model),
      decoder_(model.decoder()),
      pool_(pool),
      clock_(clock),
      options_(std::move(options)),
      pages_(decoder_, spills, options_.share_prefixes),
      drafts_(std::move(proposers), options_.drafts, decoder_, clock) {}

Status Batch::check(const runtime::Decoder& decoder, const ModelFace& face) {
  const int64_t kv_tokens = decoder.pool.pages() * decoder.page_tokens;
  if (std::min(kv_tokens, decoder.context) < face.limit()) {
    return make_error(Code::Conflict,
                      "{}: its plan has room for {} tokens, {} are asked for; compile it anew",
                      face.name, std::min(kv_tokens, decoder.context), face.limit());
  }
  if (decoder.max_tokens > 2 * decoder.min_chunk) return {};
  return make_error(Code::Unsupported,
                    "a step of {} tokens has no room for a prompt's chunks of {} and one token of "
                    "an answer; load the model with more max_tokens",
                    decoder.max_tokens, 2 * decoder.min_chunk);
}

bool Batch::step(Tasks& tasks, const StepContext& context) {
  const double begin_s = clock_.seconds();
  by_id_.clear();
  for (const auto& task : tasks) by_id_[task->id] = task.get();
  const PolicyState state = observe(tasks, context, begin_s);
  const StepPlan plan = plan_step(state);
  for (const RequestId id : plan.preempt) pages_.put_aside(*by_id_.at(id));
  counters_.preemptions += static_cast<int64_t>(plan.preempt.size());
  for (const RequestId id : plan.admit) admit(*by_id_.at(id), context, begin_s);
  Items items = items_of(plan, state);
  if (!items.empty()) {
    ++counters_.steps;
    counters_.batch_sizes.push_back(static_cast<int32_t>(items.size()));
    if (counters_.batch_sizes.size() > kBatchSizes) {
      counters_.batch_sizes.erase(counters_.batch_sizes.begin());
    }
    run_all(items, context);
  }
  if (options_.verify) pages_.check(tasks);
  return !items.empty() || !plan.preempt.empty() || !plan.admit.empty();
}

PolicyState Batch::observe(Tasks& tasks, const StepContext& context, double now_s) {
  PolicyState state{.admitted_s = admitted_s_, .now_s = now_s, .admits = context.admits};
  state.limits = {.step_tokens = options_.step_tokens,
                  .max_tokens = decoder_.max_tokens,
                  .max_sequences = decoder_.max_sequences,
                  .max_outputs = decoder_.max_outputs,
                  .min_chunk = decoder_.min_chunk,
                  .page_tokens = decoder_.page_tokens,
                  .reserve_pages = options_.reserve_pages,
                  .ageing_s = options_.ageing_s};
  std::map<std::string, size_t> tenants;
  std::map<std::pair<size_t, int>, size_t> waiting;
  for (const auto& task : tasks) {
    if (task->has_ended) continue;
    const std::string& name = task->request.tenant;
    const auto [tenant, is_new] = tenants.try_emplace(name, state.tenants.size());
    if (is_new) state.tenants.push_back({context.accounts.fair.served(name)});
    if (task->phase == Phase::Waiting &&
        ++waiting[{tenant->second, task->request.priority}] > kCandidates) {
      continue;
    }
    state.candidates.push_back({.id = task->id,
                                .tenant = tenant->second,
                                .priority = task->request.priority,
                                .since_s = task->submitted_s,
                                .phase = task->phase,
                                .prompt = task->prompt_tokens(),
                                .row_each = !task->is_scored});
    pages_.describe(*task, state.candidates.back());
  }
  pages_.mark_waiting_for_prefix(state.candidates, tasks);
  state.free_pages = pages_.available();
  drafts_.decide(state.candidates, by_id_);
  return state;
}

void Batch::admit(Task& task, const StepContext& context, double now_s) {
  pages_.start(task);
  forget_rows(task);
  if (task.phase == Phase::Waiting) {
    task.usage.cached_tokens = task.length();
    counters_.prefix_hits += task.length() > 0;
    counters_.cached_tokens += task.length();
    context.accounts.fair.leave(task.request.tenant);
    const auto tokens = static_cast<double>(task.prompt_tokens() - task.length());
    context.accounts.fair.charge(task.request.tenant, FairShare::kPrefillCost * tokens);
    admitted_s_[task.request.priority] = now_s;
  }
  task.phase = Phase::Running;
  if (const Status status = begin(task, now_s); !status) end(task, status, context);
}

// What begins anew has no rows yet: also one whose pages could not be restored.
void Batch::forget_rows(Task& task) const {
  if (task.length() > 0) return;
  task.scores.clear();
  task.is_exact = true;
  if (task.pooled) task.pooled.emplace(*task.request.embed, decoder_.d_model);
}

// Whether the next chunk of a prompt that is scored gives the bits of the whole: rows may be too
// few for that.
void Batch::note_chunk(Task& task, int64_t tokens) const {
  const bool is_whole = task.length() == 0 && tokens == task.prompt_tokens();
  if (!task.is_scored && !is_whole && tokens < decoder_.min_chunk) task.is_exact = false;
}

// An answer is drawn from the bits of its prompt alone.
void Batch::run_again(Task& task, const StepContext& context) const {
  task.sequence->truncate(0);
  forget_rows(task);
  context.accounts.fair.charge(task.request.tenant,
                               FairShare::kPrefillCost * static_cast<double>(task.prompt_tokens()));
}

// A task that could not be restored has another length than planned, and waits for the next step.
Batch::Items Batch::items_of(const StepPlan& plan, const PolicyState& state) {
  std::map<RequestId, int64_t> lengths;
  for (const Candidate& candidate : state.candidates) lengths[candidate.id] = candidate.length;
  Items items;
  int64_t pages = 0;
  for (const StepPart& part : plan.run) {
    Task* task = by_id_.at(part.id);
    if (task->has_ended || task->length() != lengths.at(part.id)) continue;
    note_chunk(*task, part.tokens);
    const int64_t length = task->length() + part.tokens;
    const bool ends = length == static_cast<int64_t>(task->feed.size());
    items.push_back({.task = task,
                     .tokens = part.tokens,
                     .drafts = part.drafts,
                     .ends = ends,
                     .draws = ends && !task->pooled && !runs_again(*task)});
    pages += pages_.pages_for(length + part.drafts) - pages_.pages_for(task->length());
  }
  pages_.make_room(pages);
  return items;
}

// Hidden states are of another plan than logits: what wants them runs by itself, within the budget
// of the step.
void Batch::run_all(std::span<Item> items, const StepContext& context) {
  const auto apart = std::stable_partition(items.begin(), items.end(), runs_in_step);
  const std::span<Item> hidden(apart, items.end());
  const std::span<Item> step = items.first(items.size() - hidden.size());
  make_drafts(step, context);
  if (!step.empty()) run(step, context);
  if (hidden.empty()) return;
  const Status status = model_.prepare_hidden();
  if (status) return run(hidden, context);
  for (const Item& item : hidden) end(*item.task, status, context);
}

void Batch::make_drafts(std::span<Item> items, const StepContext& context) {
  if (std::ranges::none_of(items, [](const Item& item) { return item.drafts > 0; })) return;
  std::vector<RequestId> ids;
  for (const Item& item : items) ids.push_back(item.task->id);
  const CancellableRun run(context.cancellations, ids);
  drafts_.make(items, context.cancellations.flag());
}

Status Batch::try_run(std::span<const Item> items, const StepContext& context) {
  std::vector<runtime::StepItem> step;
  std::vector<RequestId> ids;
  for (const Item& item : items) {
    ids.push_back(item.task->id);
    step.push_back({&*item.task->sequence, item.run(), item.rows(), item.task->adapter});
  }
  try {
    const CancellableRun cancellable(context.cancellations, ids);
    const auto run = runs_in_step(items[0]) ? runtime::run_step : runtime::run_hidden;
    return run(decoder_, step, context.cancellations.flag());
  } catch (const std::exception& error) {
    return make_error(Code::Internal, "{}", error.what());
  }
}

// A step that fails is run again by halves, until the request that fails is known.
void Batch::run(std::span<Item> items, const StepContext& context) {
  const double begin_s = clock_.seconds();
  const Status status = try_run(items, context);
  if (status) {
    const auto drawn = take_rows(items);
    const double step_s = clock_.seconds() - begin_s;
    for (size_t i = 0; i < items.size(); ++i) take(items[i], drawn[i], context);
    if (runs_in_step(items[0])) drafts_.observe(items, step_s);
  } else if (status.error().code == Code::Cancelled) {
    return;
  } else if (items.size() > 1) {
    run(items.first(items.size() / 2), context);
    run(items.subspan(items.size() / 2), context);
  } else if (!items[0].draft.tokens.empty()) {
    items[0].drop_draft();
    run(items, context);
  } else if (status.error().code != Code::OutOfMemory) {  // of pages there will be more
    end(*items[0].task, status, context);
  }
}

// Before anything else runs.
std::vector<Result<Drawn>> Batch::take_rows(std::span<const Item> items) {
  score_rows(decoder_, pool_, items);
  pool_rows(decoder_, items);
  return draw_rows(decoder_, pool_, items);
}

// Drafts that were not drawn are forgotten; the rest is counted and handed over.
void Batch::take(Item& item, const Result<Drawn>& drawn, const StepContext& context) {
  Task& task = *item.task;
  int64_t tokens = item.tokens;
  if (item.draws && drawn) {
    const auto drafted = static_cast<int64_t>(item.draft.tokens.size());
    item.kept = drawn->kept;
    task.sequence->truncate(task.length() - drafted + drawn->run - 1);
    task.usage.draft_tokens += drafted;
    task.usage.accepted_tokens += drawn->kept;
    tokens += drawn->run - 1;
  }
  count(task, tokens, context);
  if (item.ends && task.pooled) return end(task, deliver_vector(task, clock_.seconds()), context);
  if (item.ends && !task.is_scored) {
    const Status status = deliver_scores(task);
    if (!status) return end(task, status, context);
    if (!item.draws) run_again(task, context);
  }
  if (item.draws) hand_over(task, drawn, context);
}

// The sequence has grown by so many tokens.
void Batch::count(const Task& task, int64_t tokens, const StepContext& context) {
  TenantSnapshot& tenant = context.accounts.tenants[task.request.tenant];
  if (task.length() <= task.prompt_tokens()) {
    counters_.prefill_tokens += tokens;
    tenant.prefill_tokens += tokens;
    pages_.publish(task);
  } else {
    counters_.decode_tokens += tokens;
    tenant.decode_tokens += tokens;
    context.accounts.fair.charge(task.request.tenant,
                                 FairShare::kDecodeCost * static_cast<double>(tokens));
  }
}

void Batch::hand_over(Task& task, const Result<Drawn>& drawn, const StepContext& context) {
  if (!drawn) return end(task, drawn.error(), context);
  const double now_s = clock_.seconds();
  Status status = deliver(task, drawn->piece, now_s);
  if (status && !task.answer.reason() && task.length() >= task.face->limit()) {
    status = deliver(task, task.answer.end(StopReason::ContextFull), now_s);
  }
  if (!status || task.answer.reason()) end(task, status, context);
}

void Batch::end(Task& task, const Status& status, const StepContext& context) {
  finish(task, status, clock_.seconds(), context.observer);
}

void Batch::describe(ModelSnapshot& snapshot) const {
  const auto keep = [&](auto ModelSnapshot::*field) { snapshot.*field = counters_.*field; };
  keep(&ModelSnapshot::batch_sizes);
  keep(&ModelSnapshot::steps);
  keep(&ModelSnapshot::prefill_tokens);
  keep(&ModelSnapshot::decode_tokens);
  keep(&ModelSnapshot::prefix_hits);
  keep(&ModelSnapshot::cached_tokens);
  keep(&ModelSnapshot::preemptions);
  snapshot.layer_tokens = decoder_.layer_tokens;
  snapshot.engine_s = decoder_.run_s;
  snapshot.draft_tokens = drafts_.draft_tokens();
  snapshot.accepted_tokens = drafts_.accepted_tokens();
  pages_.describe(snapshot);
  if (model_.stream() == nullptr) return;
  const runtime::StreamTotals totals = model_.stream()->totals();
  snapshot.streamed_bytes = model_.residency()->streamed_bytes;
  snapshot.stream_read_bytes = totals.bytes;
  snapshot.stream_read_s = totals.read_s;
  snapshot.stream_wait_s = totals.wait_s;
}

}  // namespace verge::serve
