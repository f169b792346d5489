#include <algorithm>

#include <verge/stages/serve/scheduler/batch.hpp>

namespace verge::serve {
namespace {

constexpr size_t kCandidates = 16;  // of a tenant and priority: they are taken in order
constexpr size_t kBatchSizes = 64;

bool reaches_the_end(const Task& task, int64_t tokens) {
  return task.length() + tokens == static_cast<int64_t>(task.feed.size());
}

}  // namespace

Batch::Batch(model::LanguageModel& model, ThreadPool& pool, const Clock& clock,
             BatchOptions options, SpillStore& spills)
    : model_(model),
      decoder_(model.decoder()),
      pool_(pool),
      clock_(clock),
      options_(std::move(options)),
      pages_(decoder_, spills, options_.share_prefixes) {}

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
  const bool embedded = embed_one(tasks, context);
  by_id_.clear();
  for (const auto& task : tasks) by_id_[task->id] = task.get();
  const PolicyState state = observe(tasks, context, begin_s);
  const StepPlan plan = plan_step(state);
  for (const RequestId id : plan.preempt) pages_.put_aside(*by_id_.at(id));
  counters_.preemptions += static_cast<int64_t>(plan.preempt.size());
  for (const RequestId id : plan.admit) admit(*by_id_.at(id), context, begin_s);
  const Items items = items_of(plan, state);
  if (!items.empty()) {
    ++counters_.steps;
    counters_.batch_sizes.push_back(static_cast<int32_t>(items.size()));
    if (counters_.batch_sizes.size() > kBatchSizes) {
      counters_.batch_sizes.erase(counters_.batch_sizes.begin());
    }
    run(items, context);
  }
  if (options_.verify) pages_.check(tasks);
  return embedded || !items.empty() || !plan.preempt.empty() || !plan.admit.empty();
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
    if (task->request.embed) continue;
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
                                .prompt = task->prompt_tokens()});
    pages_.describe(*task, state.candidates.back());
  }
  pages_.mark_waiting_for_prefix(state.candidates, tasks);
  state.free_pages = pages_.available();
  return state;
}

void Batch::admit(Task& task, const StepContext& context, double now_s) {
  pages_.start(task);
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

Task* Batch::next_to_embed(const Tasks& tasks, const StepContext& context) const {
  Task* next = nullptr;
  if (!context.admits) return next;
  const auto served = [&](const Task& task) {
    return context.accounts.fair.served(task.request.tenant);
  };
  for (const auto& task : tasks) {
    if (!task->request.embed || task->phase != Phase::Waiting) continue;
    if (next == nullptr || served(*task) < served(*next)) next = task.get();
  }
  return next;
}

// The vector of one text, of the tenant that has been served least.
bool Batch::embed_one(const Tasks& tasks, const StepContext& context) {
  Task* task = next_to_embed(tasks, context);
  if (task == nullptr) return false;
  const int64_t tokens = task->prompt_tokens();
  const int64_t pages = pages_.pages_for(tokens);
  // Those in the way that came later are put aside until the next step: a vector gives its pages
  // back at once.
  counters_.preemptions += pages_.clear(tasks, pages, task->id);
  if (decoder_.pool.free_pages() < pages) return false;
  const std::string& tenant = task->request.tenant;
  context.accounts.fair.leave(tenant);
  context.accounts.fair.charge(tenant, FairShare::kPrefillCost * static_cast<double>(tokens));
  task->phase = Phase::Running;
  Status status = begin(*task, clock_.seconds());
  if (status) {
    const auto vector = [&] {
      const CancellableRun run(context.cancellations, {&task->id, 1});
      return model::embed(model_, task->feed, *task->request.embed, context.cancellations.flag());
    }();
    status = vector ? deliver(*task, *vector, clock_.seconds()) : Status(vector.error());
  }
  counters_.prefill_tokens += tokens;
  context.accounts.tenants[tenant].prefill_tokens += tokens;
  if (status || status.error().code != Code::Cancelled) end(*task, status, context);
  return true;
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
    items.push_back({task, part.tokens});
    pages += pages_.pages_for(task->length() + part.tokens) - pages_.pages_for(task->length());
  }
  pages_.make_room(pages);
  return items;
}

Status Batch::try_run(std::span<const Item> items, const StepContext& context) {
  std::vector<runtime::StepItem> step;
  std::vector<RequestId> ids;
  for (const auto& [task, tokens] : items) {
    const auto fresh =
        std::span<const int32_t>(task->feed)
            .subspan(static_cast<size_t>(task->length()), static_cast<size_t>(tokens));
    ids.push_back(task->id);
    step.push_back(
        {&*task->sequence, fresh, reaches_the_end(*task, tokens) ? 1 : 0, task->adapter});
  }
  try {
    const CancellableRun run(context.cancellations, ids);
    return runtime::run_step(decoder_, step, context.cancellations.flag());
  } catch (const std::exception& error) {
    return make_error(Code::Internal, "{}", error.what());
  }
}

// A step that fails is run again by halves, until the request that fails is known.
void Batch::run(std::span<const Item> items, const StepContext& context) {
  std::vector<Item> drawing;
  for (const Item& item : items) {
    if (reaches_the_end(*item.task, item.tokens)) drawing.push_back(item);
  }
  const Status status = try_run(items, context);
  if (status) {
    count(items, context);
    draw(drawing, context);
  } else if (status.error().code == Code::Cancelled) {
    return;
  } else if (items.size() > 1) {
    run(items.first(items.size() / 2), context);
    run(items.subspan(items.size() / 2), context);
  } else if (status.error().code != Code::OutOfMemory) {  // of pages there will be more
    end(*items[0].task, status, context);
  }
}

// The sequences have grown by their items.
void Batch::count(std::span<const Item> items, const StepContext& context) {
  for (const auto& [task, tokens] : items) {
    TenantSnapshot& tenant = context.accounts.tenants[task->request.tenant];
    if (task->length() <= task->prompt_tokens()) {
      counters_.prefill_tokens += tokens;
      tenant.prefill_tokens += tokens;
      pages_.publish(*task);
    } else {
      counters_.decode_tokens += tokens;
      tenant.decode_tokens += tokens;
      context.accounts.fair.charge(task->request.tenant,
                                   FairShare::kDecodeCost * static_cast<double>(tokens));
    }
  }
}

// On all threads, but for constraints, which share their tables.
void Batch::draw(std::span<const Item> items, const StepContext& context) {
  std::vector<Result<Piece>> pieces(items.size(), Result<Piece>(Piece{}));
  const auto draw_one = [&](size_t i) {
    try {
      Answer& answer = items[i].task->answer;
      if (answer.options().max_tokens == 0) {
        pieces[i] = answer.end(StopReason::MaxTokens);
      } else {
        pieces[i] = answer.draw(runtime::step_logits(decoder_, static_cast<int64_t>(i)));
      }
    } catch (const std::exception& error) {
      pieces[i] = make_error(Code::Internal, "{}", error.what());
    }
  };
  const auto is_constrained = [&](size_t i) { return items[i].task->answer.is_constrained(); };
  pool_.run([&](Worker& worker) {
    for (auto i = static_cast<size_t>(worker.claim()); i < items.size();
         i = static_cast<size_t>(worker.claim())) {
      if (!is_constrained(i)) draw_one(i);
    }
  });
  for (size_t i = 0; i < items.size(); ++i) {
    if (is_constrained(i)) draw_one(i);
    hand_over(*items[i].task, pieces[i], context);
  }
}

void Batch::hand_over(Task& task, const Result<Piece>& piece, const StepContext& context) {
  if (!piece) return end(task, piece.error(), context);
  const double now_s = clock_.seconds();
  Status status = deliver(task, *piece, now_s);
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
  pages_.describe(snapshot);
}

}  // namespace verge::serve
