#include <algorithm>
#include <new>
#include <tuple>

#include <verge/engine/text/logprobs.hpp>
#include <verge/stages/serve/collab/context_sessions.hpp>
#include <verge/stages/serve/collab/position_sampler.hpp>

namespace verge::serve {
namespace {

constexpr size_t kMostAsked = 65;  // of one session: a token and the most drafts after it

ContextLimits store_limits(const runtime::Decoder& decoder, const ContextManagerOptions& options) {
  return {.width = decoder.d_model,
          .page_tokens = decoder.page_tokens,
          .kv_pages = decoder.pool.pages(),
          .states_bytes = options.states_bytes,
          .lease_s = options.lease_s,
          .spill_folder = options.spill_folder,
          .spill_bytes = options.spill_bytes,
          .spill_codec = options.spill_codec,
          .warn = options.warn};
}

void forget_logits(LiveSession& live) {
  live.logits = {};
  live.logits_position = -1;
}

// Its pages are gone.
void forget_context(LiveSession& live) {
  live.sequence.truncate(0);
  forget_logits(live);
}

constexpr double kShortOfMemoryS = 1;  // before a device should try again

}  // namespace

ContextSessions::ContextSessions(runtime::Decoder& decoder, const SplitIdentity& split,
                                 const CollabLimits& limits, const ContextManagerOptions& options,
                                 const Clock& clock, ContextSnapshot& counters)
    : decoder_(decoder),
      split_(split),
      limits_(limits),
      options_(options),
      clock_(clock),
      counters_(counters),
      histograms_(options.histograms),
      store_(store_limits(decoder, options), clock) {}

void ContextSessions::take(CollabEvent& event) {
  try {
    return take_in(event);
  } catch (const std::bad_alloc&) {
  }
  try {
    refuse(event);
  } catch (const std::bad_alloc&) {  // not even to say so
  }
}

void ContextSessions::refuse(CollabEvent& event) {
  event.rows = {};
  if (std::holds_alternative<HelloMessage>(event.message)) {
    return event.connection->send(
        FailureMessage{make_error(Code::Busy, "the server has no memory left; try again")});
  }
  const auto of = sessions_of_.find(event.connection.get());
  const auto session = of == sessions_of_.end() ? live_.end() : live_.find(of->second);
  if (session == live_.end()) return;
  shed(session);
  const auto* finish = std::get_if<FinishMessage>(&event.message);
  if (finish == nullptr) return;
  drop_request(session, finish->position);
  tell_busy(session->second, *finish, kShortOfMemoryS);
}

void ContextSessions::take_in(CollabEvent& event) {
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
  if (std::exchange(session->second.connection, event.connection) != event.connection) {
    session->second.asked_again = -1;
  }
  if (const auto* states = std::get_if<StatesMessage>(&event.message)) {
    if (!enter(session, states->branch)) return;
    // Where there is no room they are lost, and asked for again when they are needed.
    (void)store_.add(key, states->position, event.rows, states->prompt_end);
  } else if (const auto* finish = std::get_if<FinishMessage>(&event.message)) {
    ask(session, *finish);
  } else if (const auto* tokens = std::get_if<TokensMessage>(&event.message)) {
    if (enter(session, tokens->branch)) keep_tokens(session->second, *tokens);
  }
}

// Where some before them were lost, the device says all again over its next connection.
void ContextSessions::keep_tokens(LiveSession& live, const TokensMessage& tokens) {
  if (tokens.position > std::ssize(live.told)) return;
  live.told.resize(static_cast<size_t>(tokens.position));
  live.told.insert(live.told.end(), tokens.ids.begin(), tokens.ids.end());
}

// Its session stays for as long as the lease lasts; nobody waits for its answer.
void ContextSessions::part(const std::shared_ptr<CollabConnection>& connection) {
  const auto of = sessions_of_.find(connection.get());
  if (of == sessions_of_.end()) return;
  const auto session = live_.find(of->second);
  if (session != live_.end() && session->second.connection == connection) drop_requests(session);
  sessions_of_.erase(of);
}

void ContextSessions::greet(const std::shared_ptr<CollabConnection>& connection,
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
  // What a connection before it has still to say is of a device that is gone, or of another one.
  std::erase_if(sessions_of_, [&](const auto& other) { return other.second == key; });
  sessions_of_[connection.get()] = key;
  connection->send(AcceptMessage{.session = hello.session,
                                 .lease_s = options_.lease_s,
                                 .budget_bytes = options_.states_bytes,
                                 .held = states.held(),
                                 .codecs = *codecs});
  if (!hello.wants_tokens) return;
  const auto session = live_.find(key);
  connection->send(
      TokensMessage{.ids = session == live_.end() ? std::vector<int32_t>() : session->second.told,
                    .branch = {states.branch(), 0}});
}

// False for what was said of a branch that the device has left.
bool ContextSessions::enter(Live::iterator session, const TextBranch& branch) {
  SessionStates& states = *store_.find(session->first);
  if (branch.number == states.branch()) return true;
  if (!states.enter_branch(branch.number, branch.from)) return false;
  LiveSession& live = session->second;
  drop_requests(session);
  if (live.sequence.length() > states.done()) live.sequence.truncate(states.done());
  if (live.logits_position >= states.done()) forget_logits(live);
  return true;
}

bool ContextSessions::refuses(const LiveSession& live, const FinishMessage& finish) {
  const double wait_s = expected_wait_s();
  const bool is_full =
      counters_.waiting >= options_.max_waiting || live.requests.size() >= kMostAsked;
  const bool is_late = finish.deadline_s > 0 && wait_s > finish.deadline_s;
  if (!is_full && !is_late) return false;
  tell_busy(live, finish, wait_s);
  return true;
}

void ContextSessions::tell_busy(const LiveSession& live, const FinishMessage& finish,
                                double retry_after_s) {
  ++counters_.busy;
  live.connection->send(BusyMessage{finish.position, retry_after_s, finish.branch.number});
}

void ContextSessions::ask(Live::iterator session, const FinishMessage& finish) {
  if (!enter(session, finish.branch)) return;
  LiveSession& live = session->second;
  if (live.requests.contains(finish.position)) return;  // it came twice
  const double now_s = clock_.seconds();
  const double wait_s = finish.deadline_s > 0 ? finish.deadline_s : options_.lease_s;
  FinishRequest request{
      .finish = finish, .arrived_s = now_s, .deadline_s = now_s + wait_s, .arrival = ++arrivals_};
  if (live.logits_position == finish.position) return answer(live, request, live.logits);
  if (refuses(live, finish)) return;
  SessionStates& states = *store_.find(session->first);
  if (finish.position < states.done()) {  // its logits are gone, and computed anew
    states.rewind(finish.position);
    live.sequence.truncate(finish.position);
  }
  if (live.requests.empty()) live.asked_again = -1;
  const auto added = live.requests.emplace(finish.position, std::move(request)).first;
  try {
    fair_.arrive(session->first.tenant);
  } catch (const std::bad_alloc&) {
    live.requests.erase(added);
    throw;
  }
  ++counters_.waiting;
}

void ContextSessions::forget(Live::iterator session) {
  drop_requests(session);
  store_.close(session->first);
  live_.erase(session);
}

void ContextSessions::drop_request(Live::iterator session, int64_t position) {
  if (session->second.requests.erase(position) == 0) return;
  if (session->second.requests.empty()) store_.unpin(session->first);
  fair_.leave(session->first.tenant);
  --counters_.waiting;
}

void ContextSessions::drop_requests(Live::iterator session) {
  const auto& requests = session->second.requests;
  while (!requests.empty()) drop_request(session, requests.begin()->first);
}

void ContextSessions::fail(Live::iterator session, const Error& error) {
  session->second.connection->send(FailureMessage{error});
  forget(session);
}

void ContextSessions::shed(Live::iterator session) {
  LiveSession& live = session->second;
  ++counters_.shed;
  forget_context(live);
  store_.lose(session->first);
  live.asked_again = -1;
  for (auto next = live.requests.begin(); next != live.requests.end();) {
    FinishRequest& request = next++->second;
    if (!std::exchange(request.was_shed, true)) continue;
    tell_busy(live, request.finish, kShortOfMemoryS);
    drop_request(session, request.finish.position);
  }
}

bool ContextSessions::shed_largest() {
  for (auto& [key, live] : live_) live.sequence.truncate(store_.find(key)->done());
  const SessionKey* const largest = store_.largest();
  const auto session = largest != nullptr ? live_.find(*largest) : live_.end();
  if (session == live_.end()) return false;
  shed(session);
  return true;
}

void ContextSessions::end_leases() {
  const double now_s = clock_.seconds();
  for (auto session = live_.begin(); session != live_.end(); ++session) {
    std::vector<int64_t> over;
    for (const auto& [position, request] : session->second.requests) {
      if (request.deadline_s < now_s) over.push_back(position);
    }
    counters_.late += std::ssize(over);
    for (const int64_t position : over) drop_request(session, position);
  }
  for (const SessionKey& key : store_.expire()) {
    if (const auto session = live_.find(key); session != live_.end()) forget(session);
  }
}

void ContextSessions::admit() {
  std::vector<Live::iterator> waiting;
  for (auto session = live_.begin(); session != live_.end(); ++session) {
    if (!session->second.requests.empty()) waiting.push_back(session);
  }
  std::ranges::sort(waiting, {}, [this](const Live::iterator& session) {
    return std::tuple(!store_.is_pinned(session->first), fair_.served(session->first.tenant),
                      session->second.requests.begin()->second.arrival);
  });
  for (const Live::iterator& session : waiting) {
    if (!pin(session)) return;
    ask_again(session);
  }
}

// For all that is asked, or at least the first of it; who can have neither holds up nobody.
bool ContextSessions::pin(Live::const_iterator session) {
  const auto& [key, live] = *session;
  if (store_.pin(key, live.requests.rbegin()->first + 1)) return true;
  if (store_.pin(key, live.requests.begin()->first + 1)) return true;
  store_.unpin(key);
  return false;
}

int64_t ContextSessions::asked_end(Live::const_iterator session) {
  const auto& [key, live] = *session;
  const int64_t most = std::min(store_.find(key)->ready(), store_.pinned_length(key));
  const auto beyond = live.requests.lower_bound(most);
  return beyond == live.requests.begin() ? 0 : std::prev(beyond)->first + 1;
}

void ContextSessions::ask_again(Live::iterator session) {
  LiveSession& live = session->second;
  const auto gap = store_.find(session->first)->missing(live.requests.rbegin()->first + 1);
  if (!gap || gap->from == live.asked_again) return;
  live.asked_again = gap->from;
  ++counters_.nacks;
  if (store_.is_evicted(session->first)) {
    ++counters_.resumes;
    session->second.connection->send(ResumeMessage{gap->from});
  } else {
    session->second.connection->send(NackMessage{gap->from, gap->to});
  }
}

void ContextSessions::make_room(const SessionKey& key, int64_t end) {
  for (const SessionKey& other : store_.make_room(key, end)) {
    forget_context(live_.at(other));
    ++counters_.evictions;
  }
}

void ContextSessions::answer(LiveSession& live, const FinishRequest& request,
                             std::span<const float> logits) {
  const FinishMessage& finish = request.finish;
  const Result<int32_t> id = sample_at(finish.sampling, logits, finish.position);
  if (!id) return live.connection->send(FailureMessage{id.error()});
  TokenMessage token{.position = finish.position, .id = *id, .server_s = request.engine_s};
  const double finish_s = clock_.seconds() - request.arrived_s;
  token.queue_s = finish_s - request.engine_s;
  counters_.finish_s += finish_s;
  histograms_.finish_s.observe(finish_s);
  histograms_.queue_s.observe(token.queue_s);
  token.branch = finish.branch.number;
  if (finish.want_logprob) token.logprob = text::token_logprob(logits, *id);
  ++counters_.tokens;
  live.connection->send(token);
}

double ContextSessions::expected_wait_s() const {
  const double steps = static_cast<double>(counters_.waiting) /
                           static_cast<double>(std::max<int64_t>(1, decoder_.max_outputs)) +
                       1;
  return steps * step_s_.value_or(0);
}

}  // namespace verge::serve
