#include <algorithm>
#include <tuple>

#include <verge/engine/runtime/step.hpp>
#include <verge/engine/text/logprobs.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/context_manager.hpp>
#include <verge/stages/serve/collab/position_sampler.hpp>

namespace verge::serve {
namespace {

constexpr double kIdleS = 0.05;  // between looks at leases and deadlines

std::vector<std::string> codecs_read() {
  std::vector<std::string> codecs;
  for (const std::string_view name : net::codec_names()) {
    codecs.emplace_back(name);
    codecs.push_back(fmt::format("{}+zstd", name));
  }
  return codecs;
}

ContextLimits store_limits(const runtime::Decoder& decoder, const ContextManagerOptions& options) {
  return {.width = decoder.d_model,
          .page_tokens = decoder.page_tokens,
          .kv_pages = decoder.pool.pages(),
          .states_bytes = options.states_bytes,
          .lease_s = options.lease_s};
}

}  // namespace

Result<std::unique_ptr<ContextManager>> ContextManager::create(model::LanguageModel& model,
                                                               SplitIdentity split,
                                                               const Clock& clock,
                                                               ContextManagerOptions options) {
  VERGE_TRY(runtime::LayerPlans * layers, model.prepare_layers({split.exit1, 0}));
  const runtime::Decoder& decoder = model.decoder();
  if (layers->max_tokens < 2 * decoder.min_chunk) {
    return make_error(Code::Unsupported,
                      "a step of {} tokens has no room for two chunks of {} of a prompt; load the "
                      "model with more max_tokens",
                      layers->max_tokens, decoder.min_chunk);
  }
  return std::unique_ptr<ContextManager>(
      new ContextManager(model, *layers, std::move(split), clock, options));
}

ContextManager::ContextManager(model::LanguageModel& model, runtime::LayerPlans& layers,
                               SplitIdentity split, const Clock& clock,
                               ContextManagerOptions options)
    : decoder_(model.decoder()),
      layers_(layers),
      split_(std::move(split)),
      clock_(clock),
      options_(options),
      limits_{.width = decoder_.d_model,
              .vocab = decoder_.vocab,
              .context = std::min(decoder_.context, decoder_.pool.pages() * decoder_.page_tokens),
              .codecs = codecs_read()},
      inbox_(options.inbox_bytes),
      store_(store_limits(decoder_, options), clock) {}

Status ContextManager::serve(Channel& channel, const CollabPeer& peer) {
  return receive_all(channel, std::make_shared<CollabConnection>(channel, peer), limits_, inbox_);
}

void ContextManager::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (step()) continue;
    for (CollabEvent& event : inbox_.take(kIdleS)) take(event);
  }
  inbox_.close();
}

bool ContextManager::step() {
  for (CollabEvent& event : inbox_.take(0)) take(event);
  end_leases();
  admit();
  const SegmentLimits limits{.tokens = layers_.max_tokens,
                             .sequences = decoder_.max_sequences,
                             .outputs = decoder_.max_outputs,
                             .min_chunk = decoder_.min_chunk};
  std::vector<Part> parts = parts_of(plan_segments(candidates(), limits));
  if (!parts.empty()) {
    const double begin_s = clock_.seconds();
    const Status status = run_parts(parts);
    const double engine_s = clock_.seconds() - begin_s;
    step_s_.add(engine_s);
    counters_.engine_s += engine_s;
    for (const Part& part : parts) {
      if (part.session->second.request) part.session->second.request->engine_s += engine_s;
    }
    status ? finish(parts) : fail(parts, status.error());
  }
  publish();
  return !parts.empty();
}

void ContextManager::take(CollabEvent& event) {
  if (event.is_gone) return part(event.connection);
  if (const auto* hello = std::get_if<HelloMessage>(&event.message)) {
    return greet(event.connection, *hello);
  }
  const auto of = sessions_of_.find(event.connection.get());
  if (of == sessions_of_.end()) {
    return event.connection->send(FailureMessage{
        make_error(Code::InvalidArgument, "no session is open on this channel; say hello first")});
  }
  const SessionKey key = of->second;
  if (std::holds_alternative<CloseMessage>(event.message)) {
    if (const auto session = live_.find(key); session != live_.end()) forget(session);
    store_.close(key);  // one that has said nothing but hello
    return;
  }
  store_.open(key);
  const auto session = live_.try_emplace(key, LiveSession{runtime::Sequence(decoder_), {}}).first;
  session->second.connection = event.connection;
  if (const auto* states = std::get_if<StatesMessage>(&event.message)) {
    keep_states(session, *states, event.rows);
  } else if (const auto* finish = std::get_if<FinishMessage>(&event.message)) {
    ask(session, *finish);
  }
}

// Its session stays for as long as the lease lasts; nobody waits for its answer.
void ContextManager::part(const std::shared_ptr<CollabConnection>& connection) {
  const auto of = sessions_of_.find(connection.get());
  if (of == sessions_of_.end()) return;
  const auto session = live_.find(of->second);
  if (session != live_.end() && session->second.connection == connection) drop_request(session);
  sessions_of_.erase(of);
}

void ContextManager::greet(const std::shared_ptr<CollabConnection>& connection,
                           const HelloMessage& hello) {
  const Status same = check_same_split(hello.split, split_);
  if (!same) return connection->send(FailureMessage{same.error()});
  const auto codecs = common_codecs(hello.codecs, limits_.codecs);
  if (!codecs) return connection->send(FailureMessage{codecs.error()});
  const SessionKey key{connection->peer().tenant, connection->peer().device, hello.session};
  if (store_.find(key) == nullptr && static_cast<int64_t>(store_.size()) >= options_.max_sessions) {
    return connection->send(FailureMessage{make_error(
        Code::Busy, "the server keeps {} sessions, which is all it may", options_.max_sessions)});
  }
  const SessionStates& states = store_.open(key);
  sessions_of_[connection.get()] = key;
  connection->send(AcceptMessage{.session = hello.session,
                                 .lease_s = options_.lease_s,
                                 .budget_bytes = options_.states_bytes,
                                 .held = states.ready(),
                                 .codecs = *codecs});
}

void ContextManager::keep_states(Live::iterator session, const StatesMessage& states,
                                 std::span<const float> rows) {
  // Where there is no room they are lost, and asked for again when they are needed.
  (void)store_.add(session->first, states.position, rows, states.prompt_end);
}

bool ContextManager::refuses(const LiveSession& live, const FinishMessage& finish) {
  const double wait_s = expected_wait_s();
  const bool is_full = counters_.waiting >= options_.max_waiting;
  const bool is_late = finish.deadline_s > 0 && wait_s > finish.deadline_s;
  if (!is_full && !is_late) return false;
  ++counters_.busy;
  live.connection->send(BusyMessage{finish.position, wait_s});
  return true;
}

void ContextManager::ask(Live::iterator session, const FinishMessage& finish) {
  LiveSession& live = session->second;
  if (live.request) {
    if (finish.position <= live.request->finish.position) return;  // it came late, or twice
    drop_request(session);
  }
  const double now_s = clock_.seconds();
  const double wait_s = finish.deadline_s > 0 ? finish.deadline_s : options_.lease_s;
  const Request request{
      .finish = finish, .arrived_s = now_s, .deadline_s = now_s + wait_s, .arrival = ++arrivals_};
  if (live.logits_position == finish.position) return answer(live, request);
  if (refuses(live, finish)) return;
  SessionStates& states = *store_.find(session->first);
  if (finish.position < states.done()) {  // its logits are gone, and computed anew
    states.rewind(finish.position);
    live.sequence.truncate(finish.position);
  }
  live.request = request;
  fair_.arrive(session->first.tenant);
  ++counters_.waiting;
}

void ContextManager::forget(Live::iterator session) {
  drop_request(session);
  store_.close(session->first);
  live_.erase(session);
}

void ContextManager::drop_request(Live::iterator session) {
  if (!session->second.request) return;
  session->second.request.reset();
  store_.unpin(session->first);
  fair_.leave(session->first.tenant);
  --counters_.waiting;
}

void ContextManager::end_leases() {
  const double now_s = clock_.seconds();
  for (auto session = live_.begin(); session != live_.end(); ++session) {
    const auto& request = session->second.request;
    if (request && request->deadline_s < now_s) drop_request(session);
  }
  for (const SessionKey& key : store_.expire()) {
    if (const auto session = live_.find(key); session != live_.end()) forget(session);
  }
}

// Pins the sessions that are waited for, as many as there are pages for; the least served tenant's
// first, so that those whose contexts must come and go do it one after another.
void ContextManager::admit() {
  std::vector<Live::iterator> waiting;
  for (auto session = live_.begin(); session != live_.end(); ++session) {
    if (session->second.request) waiting.push_back(session);
  }
  std::ranges::sort(waiting, {}, [this](const Live::iterator& session) {
    return std::tuple(!store_.is_pinned(session->first), fair_.served(session->first.tenant),
                      session->second.request->arrival);
  });
  for (const Live::iterator& session : waiting) {
    const int64_t length = session->second.request->finish.position + 1;
    if (!store_.is_pinned(session->first) && !store_.pin(session->first, length)) return;
    ask_again(session);
  }
}

void ContextManager::ask_again(Live::iterator session) {
  Request& request = *session->second.request;
  const auto gap = store_.find(session->first)->missing(request.finish.position + 1);
  if (!gap || gap->from == request.asked_again) return;
  request.asked_again = gap->from;
  ++counters_.nacks;
  if (store_.is_evicted(session->first)) {
    session->second.connection->send(ResumeMessage{gap->from});
  } else {
    session->second.connection->send(NackMessage{gap->from, gap->to});
  }
}

std::vector<SegmentCandidate> ContextManager::candidates() {
  std::vector<SegmentCandidate> found;
  size_t id = 0;
  for (auto& [key, live] : live_) {
    const SessionStates& states = *store_.find(key);
    SegmentCandidate candidate{.id = id++, .done = states.done(), .end = states.ready()};
    if (candidate.done == candidate.end) continue;
    candidate.same_end = states.same_end(candidate.done);
    candidate.prompt_end = states.prompt_end(candidate.done);
    if (live.request && store_.is_pinned(key)) {
      candidate.is_asked = states.ready() > live.request->finish.position;
      if (candidate.is_asked) candidate.end = live.request->finish.position + 1;
      candidate.arrival = live.request->arrival;
    }
    const bool fills = options_.fills_prompts && store_.has_room(key, candidate.same_end);
    if (!candidate.is_asked && !fills) continue;
    candidate.served = fair_.served(key.tenant);
    found.push_back(candidate);
  }
  return found;
}

std::vector<ContextManager::Part> ContextManager::parts_of(std::span<const SegmentPart> plan) {
  std::vector<Part> parts;
  int64_t free_pages = decoder_.pool.free_pages();
  for (const SegmentPart& part : plan) {
    const auto session = std::next(live_.begin(), static_cast<std::ptrdiff_t>(part.id));
    const SessionStates& states = *store_.find(session->first);
    const int64_t end = states.done() + part.positions;
    if (!store_.is_pinned(session->first)) {  // run ahead: takes no pages from others
      const auto held = static_cast<int64_t>(session->second.sequence.pages().size());
      const int64_t more =
          std::max<int64_t>(0, (end + decoder_.page_tokens - 1) / decoder_.page_tokens - held);
      if (more > free_pages) continue;
      free_pages -= more;
    }
    parts.push_back({part, session, states.copy(states.done(), end)});
    if (!store_.is_pinned(session->first)) continue;
    for (const SessionKey& key : store_.make_room(session->first, end)) {
      LiveSession& evicted = live_.at(key);
      evicted.sequence.truncate(0);
      evicted.logits = {};
      evicted.logits_position = -1;
      ++counters_.evictions;
    }
  }
  return parts;
}

Status ContextManager::run_parts(std::span<const Part> parts) {
  size_t most = 0;
  for (const Part& part : parts) most = std::max(most, static_cast<size_t>(part.plan.positions));
  const std::vector<int32_t> nameless(most);  // the tokens are the device's own affair
  std::vector<runtime::StepItem> items;
  for (const Part& part : parts) {
    items.push_back({.sequence = &part.session->second.sequence,
                     .tokens = std::span(nameless).first(static_cast<size_t>(part.plan.positions)),
                     .outputs = part.plan.answers ? 1 : 0,
                     .states = part.states,
                     .one_by_one = part.plan.one_by_one});
  }
  return runtime::run_layers(layers_, decoder_, items);
}

void ContextManager::finish(std::span<const Part> parts) {
  int64_t row = 0;
  ++counters_.steps;
  counters_.segments += static_cast<int64_t>(parts.size());
  for (const Part& part : parts) {
    SessionStates& states = *store_.find(part.session->first);
    states.advance(states.done() + part.plan.positions);
    fair_.charge(part.session->first.tenant,
                 FairShare::kPrefillCost * static_cast<double>(part.plan.positions));
    if (!part.plan.answers) continue;
    LiveSession& live = part.session->second;
    const std::span<const float> logits = runtime::step_logits(decoder_, row++);
    live.logits.assign(logits.begin(), logits.end());
    live.logits_position = states.done() - 1;
    if (!live.request || live.request->finish.position != live.logits_position) continue;
    answer(live, *live.request);
    drop_request(part.session);
  }
}

// From the session's logits, which are those of the position that is asked for.
void ContextManager::answer(LiveSession& live, const Request& request) {
  const FinishMessage& finish = request.finish;
  const Result<int32_t> id = sample_at(finish.sampling, live.logits, finish.position);
  if (!id) return live.connection->send(FailureMessage{id.error()});
  TokenMessage token{.position = finish.position, .id = *id, .server_s = request.engine_s};
  token.queue_s = clock_.seconds() - request.arrived_s - request.engine_s;
  if (finish.want_logprob) token.logprob = text::token_logprob(live.logits, *id);
  ++counters_.tokens;
  live.connection->send(token);
}

void ContextManager::fail(std::span<const Part> parts, const Error& error) {
  for (const Part& part : parts) {
    part.session->second.connection->send(FailureMessage{error});
    forget(part.session);
  }
}

double ContextManager::expected_wait_s() const {
  const double steps = static_cast<double>(counters_.waiting) /
                           static_cast<double>(std::max<int64_t>(1, decoder_.max_outputs)) +
                       1;
  return steps * step_s_.value_or(0);
}

void ContextManager::publish() {
  counters_.sessions = static_cast<int64_t>(store_.size());
  counters_.states_bytes = store_.states_bytes();
  counters_.kv_pages = store_.kv_pages();
  counters_.layer_tokens = decoder_.layer_tokens;
  const std::lock_guard lock(published_mutex_);
  published_ = counters_;
}

ContextSnapshot ContextManager::snapshot() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

}  // namespace verge::serve
