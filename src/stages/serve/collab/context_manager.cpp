#include <algorithm>
#include <new>

#include <verge/engine/runtime/step.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/context_manager.hpp>

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
      histograms_(options.histograms),
      limits_{.width = decoder_.d_model,
              .vocab = decoder_.vocab,
              .context = std::min(decoder_.context, decoder_.pool.pages() * decoder_.page_tokens),
              .codecs = codecs_read()},
      inbox_(options.inbox_bytes),
      sessions_(decoder_, split_, limits_, options_, clock, counters_) {}

Status ContextManager::serve(Channel& channel, const CollabPeer& peer) {
  try {
    return receive_all(channel, std::make_shared<CollabConnection>(channel, peer), limits_, inbox_);
  } catch (const std::bad_alloc&) {
    return Error{Code::OutOfMemory, "no memory left"};
  }
}

void ContextManager::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (!step()) inbox_.wait(kIdleS);
  }
  inbox_.close();
}

bool ContextManager::step() {
  bool has_run = false;
  try {
    has_run = run_step();
  } catch (const std::bad_alloc&) {  // not even for a plan
    has_run = sessions_.shed_largest();
  }
  publish();
  return has_run;
}

bool ContextManager::run_step() {
  for (CollabEvent& event : inbox_.take()) sessions_.take(event);
  sessions_.end_leases();
  sessions_.admit();
  const SegmentLimits limits{.tokens = layers_.max_tokens,
                             .sequences = decoder_.max_sequences,
                             .outputs = decoder_.max_outputs,
                             .min_chunk = decoder_.min_chunk};
  std::vector<Part> parts = parts_of(plan_segments(candidates(), limits));
  run(parts);
  return !parts.empty();
}

// What has no memory together may have it by halves.
void ContextManager::run(std::span<Part> parts) {
  if (parts.empty()) return;
  const Status status = try_parts(parts);
  if (status) return finish(parts);
  if (status.error().code != Code::OutOfMemory) {
    for (const Part& part : parts) sessions_.fail(part.session, status.error());
  } else if (parts.size() == 1) {
    sessions_.shed(parts.front().session);
  } else {
    run(parts.first(parts.size() / 2));
    run(parts.subspan(parts.size() / 2));
  }
}

std::vector<SegmentCandidate> ContextManager::candidates() {
  std::vector<SegmentCandidate> found;
  size_t id = 0;
  const ContextSessions::Live& all = sessions_.live();
  for (auto session = all.begin(); session != all.end(); ++session) {
    const auto& [key, live] = *session;
    const SessionStates& states = *sessions_.store().find(key);
    SegmentCandidate candidate{.id = id++, .done = states.done(), .end = states.ready()};
    if (candidate.done == candidate.end) continue;
    candidate.same_end = states.same_end(candidate.done);
    candidate.prompt_end = states.prompt_end(candidate.done);
    if (const int64_t end = sessions_.asked_end(session); end > 0) {
      candidate.is_asked = true;
      candidate.end = end;
      candidate.first_asked = live.requests.begin()->first;
      candidate.arrival = live.requests.begin()->second.arrival;
    }
    const bool fills =
        options_.fills_prompts && sessions_.store().has_room(key, candidate.same_end);
    if (!candidate.is_asked && !fills) continue;
    candidate.served = sessions_.fair().served(key.tenant);
    found.push_back(candidate);
  }
  return found;
}

std::vector<ContextManager::Part> ContextManager::parts_of(std::span<const SegmentPart> plan) {
  std::vector<Part> parts;
  int64_t free_pages = decoder_.pool.free_pages();
  for (const SegmentPart& part : plan) {
    const auto session = std::next(sessions_.live().begin(), static_cast<std::ptrdiff_t>(part.id));
    const SessionStates& states = *sessions_.store().find(session->first);
    const int64_t end = states.done() + part.positions;
    if (!sessions_.store().is_pinned(session->first)) {  // run ahead: takes no pages from others
      const auto held = static_cast<int64_t>(session->second.sequence.pages().size());
      const int64_t more =
          std::max<int64_t>(0, (end + decoder_.page_tokens - 1) / decoder_.page_tokens - held);
      if (more > free_pages) continue;
      free_pages -= more;
    }
    parts.push_back({part, session, states.copy(states.done(), end)});
    if (!sessions_.store().is_pinned(session->first)) continue;
    sessions_.make_room(session->first, end);
  }
  return parts;
}

Status ContextManager::try_parts(std::span<const Part> parts) {
  const double begin_s = clock_.seconds();
  Status status;
  try {
    status = run_parts(parts);
  } catch (const std::bad_alloc&) {
    status = Error{Code::OutOfMemory, "no memory left"};  // short: it allocates nothing
  }
  if (!status) {
    for (const Part& part : parts) {
      part.session->second.sequence.truncate(sessions_.store().find(part.session->first)->done());
    }
  }
  const double engine_s = clock_.seconds() - begin_s;
  sessions_.observe_step(engine_s);
  counters_.engine_s += engine_s;
  for (const Part& part : parts) {
    for (auto& [position, request] : part.session->second.requests) request.engine_s += engine_s;
  }
  return status;
}

Status ContextManager::run_parts(std::span<const Part> parts) {
  size_t most = 0;
  for (const Part& part : parts) most = std::max(most, static_cast<size_t>(part.plan.positions));
  const std::vector<int32_t> nameless(most);  // the tokens are the device's own affair
  std::vector<runtime::StepItem> items;
  for (const Part& part : parts) {
    items.push_back({.sequence = &part.session->second.sequence,
                     .tokens = std::span(nameless).first(static_cast<size_t>(part.plan.positions)),
                     .outputs = part.plan.outputs,
                     .states = part.states,
                     .one_by_one = part.plan.one_by_one});
  }
  return runtime::run_layers(layers_, decoder_, items);
}

void ContextManager::finish(std::span<Part> parts) {
  int64_t row = 0;
  ++counters_.steps;
  counters_.batch = std::ssize(parts);
  counters_.segments += counters_.batch;
  histograms_.step_sessions.observe(static_cast<double>(counters_.batch));
  for (const Part& part : parts) {
    try {
      finish(part, row);
    } catch (const std::bad_alloc&) {
      sessions_.shed(part.session);
    }
    row += part.plan.outputs;
  }
}

// `row`: the first of the step's logits that are its own.
void ContextManager::finish(const Part& part, int64_t row) {
  SessionStates& states = *sessions_.store().find(part.session->first);
  states.advance(states.done() + part.plan.positions);
  sessions_.fair().charge(part.session->first.tenant,
                          FairShare::kPrefillCost * static_cast<double>(part.plan.positions));
  LiveSession& live = part.session->second;
  if (part.plan.outputs > 0) answer_rows(live, states.done() - 1, part.plan.outputs, row);
  while (!live.requests.empty() && live.requests.begin()->first < states.done()) {
    sessions_.drop_request(part.session, live.requests.begin()->first);
  }
}

// From `rows` of the step's logits, `row` and those after it: the last is that of the newest
// position that is done. Of a prompt that was run ahead nobody may have asked for them.
void ContextManager::answer_rows(LiveSession& live, int64_t newest, int64_t rows, int64_t row) {
  const auto logits_of = [&](int64_t position) {
    return runtime::step_logits(decoder_, row + rows - 1 - (newest - position));
  };
  live.logits.assign(logits_of(newest).begin(), logits_of(newest).end());
  live.logits_position = newest;
  const auto end = live.requests.upper_bound(newest);
  for (auto request = live.requests.lower_bound(newest + 1 - rows); request != end; ++request) {
    sessions_.answer(live, request->second, logits_of(request->first));
  }
}

void ContextManager::publish() {
  counters_.sessions = static_cast<int64_t>(sessions_.store().size());
  counters_.contexts = sessions_.store().contexts();
  counters_.states_bytes = sessions_.store().states_bytes();
  counters_.spilled_bytes = sessions_.store().spilled_bytes();
  counters_.restored = sessions_.store().restored();
  counters_.kv_pages = sessions_.store().kv_pages();
  counters_.kv_pages_total = decoder_.pool.pages();
  counters_.layer_tokens = decoder_.layer_tokens;
  counters_.told_tokens = 0;
  for (const auto& [key, live] : sessions_.live()) counters_.told_tokens += std::ssize(live.told);
  const std::lock_guard lock(published_mutex_);
  published_ = counters_;
}

ContextSnapshot ContextManager::snapshot() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

}  // namespace verge::serve
