#include <algorithm>

#include <verge/stages/serve/collab/cloud_requests.hpp>

namespace verge::serve {
namespace {

constexpr double kLookS = 0.002;  // between looks at how fast states leave

UplinkOptions uplink_options(const EdgeOptions& options, int64_t width) {
  const bool is_naive = options.policy.mode == CollabMode::Naive;
  return {.codec = is_naive ? "f32" : options.codec,
          .width = width,
          .keeps_back = is_naive,
          .noise = StateNoise::secret(options.noise),
          .late_codec = is_naive ? "" : options.late_codec};
}

}  // namespace

CloudRequests::CloudRequests(CloudLink& link, EdgeLayers& layers, const EdgeOptions& options,
                             const Clock& clock, CollabPolicyState& state, CollabMetrics& metrics)
    : link_(link),
      layers_(layers),
      options_(options),
      clock_(clock),
      state_(state),
      metrics_(metrics),
      uplink_(link, uplink_options(options, layers.width()), clock) {}

void CloudRequests::push(StateRun run) {
  look_at_queue();
  uplink_.push(std::move(run));
  look_at_way();
}

void CloudRequests::look_at_way() {
  const bool has_left = std::exchange(left_bytes_, uplink_.left_bytes()) != left_bytes_;
  if (!has_left && link_.unsent_bytes() == 0) return;
  up_.leaves(clock_.seconds(), state_.round_trip_s.value_or(0) / 2);
}

void CloudRequests::look_at_queue() {
  uplink_.set_late(is_queue_late(state_, uplink_.unsent_bytes(), clock_.seconds()));
}

CollabDecision CloudRequests::decide(double left_s) const {
  return serve::decide(options_.policy, state_,
                       {.now_s = clock_.seconds(),
                        .unsent_bytes = uplink_.unsent_bytes(),
                        .is_connected = link_.is_up(),
                        .answer_deadline_s = left_s});
}

void CloudRequests::tell(std::span<const int32_t> text) {
  if (std::exchange(told_over_, link_.connections()) != link_.connections()) told_ = 0;
  if (told_ >= text.size()) return;
  TokensMessage tokens{.position = static_cast<int64_t>(told_), .branch = uplink_.branch()};
  tokens.ids.assign(text.begin() + static_cast<std::ptrdiff_t>(told_), text.end());
  if (uplink_.send(tokens)) told_ = text.size();
}

CloudRequests::Requests::iterator CloudRequests::find(int64_t position) {
  return std::ranges::find(requests_, position, &Request::position);
}

CloudRequests::Requests::iterator CloudRequests::oldest() {
  return std::ranges::find_if(requests_, [this](const Request& r) { return is_under_way(r); });
}

void CloudRequests::ask(int64_t position, double wait_s) {
  std::erase_if(requests_, [](const Request& request) { return !request.is_awaited; });
  const double now_s = clock_.seconds();
  requests_.push_back({.position = position, .until_s = now_s + wait_s, .asked_s = now_s});
  ++metrics_.asked;
  observe_asked(state_, now_s);
  // The base line has its whole context leave first, which cannot be begun twice.
  if (is_naive() && !send(requests_.back(), requests_.back().until_s)) {
    give_up(position, link_.is_up() ? TokenReason::TimedOut : TokenReason::LinkDown);
  }
  look_at_queue();
  send_requests();
  metrics_.waiting_s += clock_.seconds() - now_s;
}

// The server answers until a request's deadline, also one that nobody waits for any more.
void CloudRequests::probe(int64_t position) {
  const double now_s = clock_.seconds();
  const auto may_come = [&](const Request& request) { return now_s < request.until_s; };
  if (oldest() != requests_.end() || std::ranges::any_of(requests_, may_come)) return;
  Request request{.position = position,
                  .until_s = now_s + options_.policy.token_deadline_s,
                  .is_awaited = false};
  if (!uplink_.send_all(now_s)) return;
  observe_probe(state_, options_.policy, now_s);
  ++metrics_.probes;
  (void)send(request, now_s);
  requests_ = {request};
}

std::optional<CloudAnswer> CloudRequests::take_answer(int64_t position) {
  const auto found = find(position);
  if (found == requests_.end() || !found->answer) return std::nullopt;
  const CloudAnswer answer = *found->answer;
  // What was given up may still come, and says then that the link is up.
  if (answer.reason == TokenReason::Asked) {
    requests_.erase(found);
  } else {
    found->answer.reset();
    found->is_awaited = false;
  }
  return answer;
}

void CloudRequests::look() {
  if (std::exchange(connections_, link_.connections()) != link_.connections()) {
    state_.is_link_down = false;
  }
  look_at_way();
  while (const auto message = link_.receive(0)) on_message(*message);
  const auto first = oldest();
  if (first != requests_.end()) {
    if (!link_.is_up()) {  // when the next channel is there, it will say that the link is up again
      give_up(first->position, TokenReason::LinkDown);
    } else if (clock_.seconds() >= first->until_s) {
      give_up(first->position, TokenReason::TimedOut);
    }
  }
  look_at_queue();
  send_requests();
  uplink_.pump();
  if (const auto rate = uplink_.take_rate()) state_.drain_bytes_per_s.add(*rate);
}

void CloudRequests::wait(double most_s) {
  const auto first = oldest();
  if (first == requests_.end()) return;
  const double begin_s = clock_.seconds();
  const bool is_leaving = link_.unsent_bytes() > 0;
  if (is_leaving) requests_.back().asked_s = begin_s;
  const bool has_more = uplink_.has_unsent() || requests_.back().connection != connections_;
  const double left_s = std::clamp(first->until_s - begin_s, 0.0, most_s);
  if (const auto message =
          link_.receive(is_leaving || has_more ? std::min(left_s, kLookS) : left_s)) {
    on_message(*message);
  }
  metrics_.waiting_s += clock_.seconds() - begin_s;
  look();
}

// Those that have not been sent over the connection there is, as far as it takes them.
void CloudRequests::send_requests() {
  if (is_naive()) return;
  for (Request& request : requests_) {
    if (!is_under_way(request) || request.connection == link_.connections()) continue;
    if (!send(request, clock_.seconds())) return;
  }
}

bool CloudRequests::send(Request& request, double patience_s) {
  const int64_t connection = link_.connections();
  if (!uplink_.send_all(patience_s)) return false;
  request.asked_s = clock_.seconds();
  const FinishMessage finish{.position = request.position,
                             .deadline_s = request.until_s - request.asked_s,
                             .sampling = options_.sampling,
                             .want_logprob = options_.want_logprobs,
                             .branch = uplink_.branch()};
  if (!uplink_.send(finish)) return false;
  request.connection = connection;
  look_at_way();
  return true;
}

void CloudRequests::on_message(const CollabMessage& message) {
  if (const auto* token = std::get_if<TokenMessage>(&message)) {
    on_token(*token);
  } else if (const auto* nack = std::get_if<NackMessage>(&message)) {
    send_again({nack->from, nack->to});
  } else if (const auto* resume = std::get_if<ResumeMessage>(&message)) {
    send_again({resume->from, layers_.length()});
  } else if (const auto* busy = std::get_if<BusyMessage>(&message)) {
    const auto found = find(busy->position);
    if (busy->branch != uplink_.branch().number || found == requests_.end()) return;
    if (!is_under_way(*found)) return;
    observe_failure(state_, options_.policy, clock_.seconds(), busy->retry_after_s);
    give_up(busy->position, TokenReason::Busy);
  } else if (std::holds_alternative<FailureMessage>(message)) {
    if (const auto first = oldest(); first != requests_.end()) {
      give_up(first->position, TokenReason::Refused);
    }
  }
}

void CloudRequests::on_token(const TokenMessage& token) {
  if (token.branch != uplink_.branch().number) return;
  uplink_.hear_of_branch();
  const auto request = find(token.position);
  if (request == requests_.end() || request->answer) return;
  const double elapsed_s = clock_.seconds() - request->asked_s;
  observe_token(state_, elapsed_s, token.server_s, token.queue_s);
  const double way_s = state_.round_trip_s.value_or(0) / 2;
  down_s_ += std::max(0.0, elapsed_s - token.server_s - token.queue_s - way_s);
  if (request->is_awaited) {
    metrics_.server_s += token.server_s + token.queue_s;
    request->answer = CloudAnswer{TokenReason::Asked, token.id, token.logprob};
  } else {
    requests_.erase(request);
  }
}

// What the server misses, as far as it can be meant.
void CloudRequests::send_again(PositionRange range) {
  range.to = std::min(range.to, layers_.length());
  if (range.from >= range.to) return;
  const auto first = oldest();
  const double until_s = first == requests_.end() ? clock_.seconds() : first->until_s;
  const auto runs = layers_.states_again(range);
  if (runs) {
    metrics_.sent_again += range.to - range.from;
    if (uplink_.send_again(*runs, until_s) || !link_.is_up()) return;
  }
  if (first != requests_.end()) give_up(first->position, TokenReason::TimedOut);
}

// The request of position `from`, and those after it, which are not waited for either.
void CloudRequests::give_up(int64_t from, TokenReason reason) {
  if (reason != TokenReason::LinkDown && !state_.is_link_down) {
    observe_failure(state_, options_.policy, clock_.seconds());
  }
  for (Request& request : requests_) {
    if (request.position < from || !is_under_way(request)) continue;
    request.answer = CloudAnswer{request.position == from ? reason : TokenReason::LinkDown};
  }
}

void CloudRequests::rewind(int64_t length, bool is_other) {
  std::erase_if(requests_, [&](const Request& request) { return request.position >= length; });
  if (is_other) uplink_.rewind(length);
}

}  // namespace verge::serve
