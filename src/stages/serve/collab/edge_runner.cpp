#include <algorithm>
#include <set>

#include <verge/stages/serve/collab/edge_runner.hpp>
#include <verge/stages/serve/collab/split_identity.hpp>

namespace verge::serve {
namespace {

constexpr size_t kBatchSizes = 64;
constexpr double kTurnS = 0.002;  // that the server is waited for before others have their turn

// The field of a request that a split model cannot honour; null for none.
const char* refused_field(const Request& request) {
  const text::SamplerOptions& sampling = request.options.sampling;
  if (request.embed) return "an embedding";
  if (!request.adapter.empty()) return "an adapter";
  if (request.constraint) return "an answer held to a form (response_format, grammar, tools)";
  if (request.options.top_logprobs >= 0 || request.prompt_logprobs >= 0) return "logprobs";
  if (request.options.min_tokens > 0) return "min_tokens";
  if (sampling.repetition_penalty != 1) return "repetition_penalty (repeat_penalty)";
  if (sampling.frequency_penalty != 0) return "frequency_penalty";
  if (sampling.presence_penalty != 0) return "presence_penalty";
  if (sampling.mirostat_tau != 0) return "mirostat";
  return sampling.logit_bias.empty() ? nullptr : "logit_bias";
}

double time_left(const Task& task, double now_s) {
  if (task.request.deadline_s == 0) return 0;
  return std::max(1e-3, task.submitted_s + task.request.deadline_s - now_s);
}

}  // namespace

Status EdgeRunnerKind::check(const Request& request) const {
  const char* field = refused_field(request);
  if (field == nullptr) return {};
  return make_error(Code::InvalidArgument,
                    "{} is not possible with a model that answers on two machines (--cloud): leave "
                    "it out, or ask a server that has the whole model",
                    field);
}

Result<std::unique_ptr<TaskRunner>> EdgeRunnerKind::make(
    LoadedModel& loaded, const Clock& clock, const std::function<void(const Error&)>& warn) const {
  VERGE_TRY(SplitIdentity split, split_identity(*loaded.model));
  VERGE_TRY(EdgeSetup setup, setup_(*loaded.model, split));
  return std::unique_ptr<TaskRunner>(std::make_unique<EdgeRunner>(
      *loaded.model, std::move(split), std::move(setup), clock, options_, warn));
}

EdgeRunner::EdgeRunner(model::LanguageModel& model, SplitIdentity split, EdgeSetup setup,
                       const Clock& clock, EdgeRunnerOptions options,
                       std::function<void(const Error&)> warn)
    : model_(model),
      decoder_(model.decoder()),
      split_(std::move(split)),
      setup_(std::move(setup)),
      clock_(clock),
      options_(options),
      warn_(std::move(warn)),
      links_(setup_.link, clock),
      idle_(links_, decoder_, options.max_idle) {}

bool EdgeRunner::step(Tasks& tasks, const StepContext& context) {
  put_ended(tasks);
  bool worked = admit(tasks, context);
  if (running_.empty()) return worked;
  worked |= give_turns(tasks, context);
  note_link();
  return worked;
}

// Where all wait for the server, each is waited for a little: the first that has its token ends it.
bool EdgeRunner::give_turns(const Tasks& tasks, const StepContext& context) {
  bool worked = false, waits = false;
  for (const double wait_s : {0.0, kTurnS}) {
    for (const auto& task : tasks) {
      const auto running = running_.find(task->id);
      if (running == running_.end() || task->has_ended) continue;
      const Turn turn = advance(*task, running->second, wait_s, context);
      worked |= turn == Turn::Worked;
      waits |= turn == Turn::Waits;
      if (worked && wait_s > 0) break;
    }
    if (worked || !waits) break;
  }
  if (worked) count_step();
  return worked || waits;
}

void EdgeRunner::count_step() {
  ++counters_.steps;
  counters_.batch_sizes.push_back(static_cast<int32_t>(running_.size()));
  if (counters_.batch_sizes.size() > kBatchSizes) {
    counters_.batch_sizes.erase(counters_.batch_sizes.begin());
  }
}

// Also those that were ended from outside: what they have said stands.
void EdgeRunner::put_ended(const Tasks& tasks) {
  std::set<RequestId> live;
  for (const auto& task : tasks) {
    if (!task->has_ended) live.insert(task->id);
  }
  for (auto at = running_.begin(); at != running_.end();) {
    if (live.contains(at->first)) {
      ++at;
      continue;
    }
    if (at->second.session) idle_.put(std::move(at->second.session));
    at = running_.erase(at);
  }
}

int64_t EdgeRunner::most_tokens(const Task& task) const {
  const int64_t asked = task.request.options.max_tokens;
  const int64_t limit = task.face->limit();
  const int64_t said = asked < 0 ? limit : std::min(limit, task.usage.prompt_tokens + asked);
  return std::min(said + setup_.edge.draft_tokens, decoder_.context);
}

// Pages that those who run may still take: an answer that has begun never lacks any.
int64_t EdgeRunner::committed_pages() const {
  int64_t sum = 0;
  for (const auto& [id, running] : running_) {
    if (!running.session) continue;
    sum += idle_.pages_of(running.most_tokens) - idle_.pages_of(running.session->length());
  }
  return sum;
}

// As the policy of a batch chooses, each with pages for all that it may say.
Task* EdgeRunner::next(Tasks& tasks, const StepContext& context) const {
  PolicyState state{.admitted_s = admitted_s_, .now_s = clock_.seconds(), .admits = context.admits};
  state.limits = {.max_tokens = decoder_.max_tokens,
                  .min_chunk = decoder_.min_chunk,
                  .page_tokens = decoder_.page_tokens,
                  .reserve_pages = 0,
                  .ageing_s = options_.ageing_s};
  state.free_pages = decoder_.pool.free_pages() + idle_.pages() - committed_pages();
  std::map<std::string, size_t> tenants;
  for (const auto& task : tasks) {
    if (task->has_ended || task->phase != Phase::Waiting) continue;
    const std::string& name = task->request.tenant;
    const auto [tenant, is_new] = tenants.try_emplace(name, state.tenants.size());
    if (is_new) state.tenants.push_back({context.accounts.fair.served(name)});
    state.candidates.push_back({.id = task->id,
                                .tenant = tenant->second,
                                .priority = task->request.priority,
                                .since_s = task->submitted_s,
                                .prompt = most_tokens(*task)});
  }
  const StepPlan plan = plan_step(state);
  if (plan.admit.empty()) return nullptr;
  const auto chosen = std::ranges::find(tasks, plan.admit[0], [](const auto& t) { return t->id; });
  return chosen->get();
}

bool EdgeRunner::admit(Tasks& tasks, const StepContext& context) {
  if (std::ssize(running_) >= options_.max_running) return false;
  Task* task = next(tasks, context);
  if (task == nullptr) return false;
  auto session = begin_session(*task);
  task->phase = Phase::Running;
  context.accounts.fair.leave(task->request.tenant);
  admitted_s_[task->request.priority] = clock_.seconds();
  if (session) {
    running_[task->id] = {.session = std::move(*session), .most_tokens = most_tokens(*task)};
  } else {
    finish(*task, session.error(), clock_.seconds(), context.observer);
  }
  return true;
}

Result<std::unique_ptr<EdgeSession>> EdgeRunner::begin_session(const Task& task) {
  std::unique_ptr<EdgeSession> session = idle_.take(task.feed, task.request.cache_salt);
  const int64_t held = session ? idle_.pages_of(session->length()) : 0;
  idle_.make_room(committed_pages() + idle_.pages_of(most_tokens(task)) - held);
  if (session) return session;
  session = std::make_unique<EdgeSession>();
  session->link = links_.take();
  session->salt = task.request.cache_salt;
  auto driver = EdgeDriver::create(model_, split_, setup_.edge, clock_, session->link.link.get());
  if (!driver) {
    links_.drop(std::move(session->link));
    return driver.error();
  }
  session->driver = std::move(*driver);
  return session;
}

// Says once that the server cannot be reached, and once that it can.
void EdgeRunner::note_link() {
  bool is_up = false;
  const CloudLink* link = nullptr;  // of any that are answered
  for (const auto& [id, running] : running_) {
    if (!running.session || !running.has_prompt || !running.session->link.link) continue;
    link = running.session->link.link.get();
    is_up |= link->is_up();
  }
  if (link == nullptr || is_up != is_without_) return;
  is_without_ = !is_without_;
  if (!warn_) return;
  const Status status = link->status();
  warn_(make_error(Code::Io, "{}",
                   !is_without_ ? "the cloud is there again"
                   : status     ? "without the cloud, which does not answer: answers go on"
                                : "without the cloud: " + status.error().message));
}

EdgeRunner::Turn EdgeRunner::advance(Task& task, Running& running, double wait_s,
                                     const StepContext& context) {
  const EdgeLink& link = running.session->link;
  const bool connects = link.link != nullptr && !link.link->is_up() &&
                        clock_.seconds() - link.since_s < options_.first_link_s;
  if (!running.has_prompt && connects) return Turn::Connects;
  Status status = running.has_prompt ? Status() : run_prompt(task, running, context);
  if (status && !task.answer.reason()) {
    const Result<std::optional<CollabToken>> made = running.session->driver->next_within(wait_s);
    if (made && !*made) return Turn::Waits;
    status = made ? take(**made, task, running, context) : made.error();
  }
  if (!status) idle_.drop(std::move(running.session));
  if (!status || task.answer.reason()) finish(task, status, clock_.seconds(), context.observer);
  return Turn::Worked;
}

Status EdgeRunner::run_prompt(Task& task, Running& running, const StepContext& context) {
  EdgeSession& session = *running.session;
  const double now_s = clock_.seconds();
  // Beyond what was said there may be drafts.
  const int64_t cached = std::min(session.length(), std::ssize(session.tokens));
  task.usage.cached_tokens = cached;
  for (const TokenPlace place : kTokenPlaces) task.usage.places[name(place)] = 0;
  counters_.prefix_hits += cached > 0;
  counters_.cached_tokens += cached;
  VERGE_RETURN_IF_ERROR(begin(task, now_s));
  VERGE_RETURN_IF_ERROR(
      session.driver->set_answer(task.request.options.sampling, time_left(task, now_s)));
  VERGE_RETURN_IF_ERROR(
      session.driver->append(std::span<const int32_t>(task.feed).subspan(session.tokens.size())));
  session.tokens = task.feed;
  running.has_prompt = true;
  const int64_t tokens = task.usage.prompt_tokens - cached;
  counters_.prefill_tokens += tokens;
  context.accounts.tenants[task.request.tenant].prefill_tokens += tokens;
  context.accounts.fair.charge(task.request.tenant,
                               FairShare::kPrefillCost * static_cast<double>(tokens));
  if (task.request.options.max_tokens != 0) return {};
  return deliver(task, task.answer.end(StopReason::MaxTokens), clock_.seconds());
}

Status EdgeRunner::take(const CollabToken& token, Task& task, Running& running,
                        const StepContext& context) {
  running.session->tokens.push_back(token.id);
  ++counters_.decode_tokens;
  ++context.accounts.tenants[task.request.tenant].decode_tokens;
  context.accounts.fair.charge(task.request.tenant, FairShare::kDecodeCost);
  Piece piece = task.answer.take(token.id);
  if (!piece.tokens.empty()) {
    piece.origins = {{name(token.place), name(token.reason)}};
    ++task.usage.places[name(token.place)];
  }
  VERGE_RETURN_IF_ERROR(deliver(task, piece, clock_.seconds()));
  // As of a batch, whose newest token needs no room.
  if (task.answer.reason() || std::ssize(task.feed) <= task.face->limit()) return {};
  return deliver(task, task.answer.end(StopReason::ContextFull), clock_.seconds());
}

Status EdgeRunner::fetch_prompts(const std::string& folder) {
  return make_error(Code::NotFound, "{}: a split model keeps no prompts", folder);
}

void EdgeRunner::describe(ModelSnapshot& snapshot) const {
  snapshot = counters_;
  snapshot.pages_total = decoder_.pool.pages();
  snapshot.pages_free = decoder_.pool.free_pages();
  snapshot.pages_cached = idle_.pages();
  snapshot.page_tokens = decoder_.page_tokens;
}

}  // namespace verge::serve
