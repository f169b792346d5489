#include <algorithm>

#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/edge_driver.hpp>
#include <verge/stages/serve/collab/position_sampler.hpp>

namespace verge::serve {
namespace {

constexpr double kLookS = 0.002;  // between looks at how fast states leave
constexpr std::array<std::string_view, 8> kReasonNames = {
    "sure", "asked", "standalone", "too late", "link down", "timed out", "busy", "refused"};

bool exit_keeps(double confidence, double theta) {
  return theta < 1 && confidence >= theta;
}

Status check_edge_options(const EdgeOptions& options, const CloudLink* link) {
  const CollabPolicyOptions& policy = options.policy;
  for (const double theta : {policy.theta1, policy.theta2, policy.theta_min}) {
    if (theta >= 0 && theta <= 1) continue;
    return make_error(Code::InvalidArgument, "a threshold is {}; use 0 to 1", theta);
  }
  for (const double temperature : options.temperatures.value_or(std::array<double, 2>{1, 1})) {
    if (temperature > 0) continue;
    return make_error(Code::InvalidArgument, "an exit's temperature is {}; use more than 0",
                      temperature);
  }
  if (!(policy.token_deadline_s > 0 && options.answer_deadline_s >= 0)) {
    return make_error(Code::InvalidArgument,
                      "deadlines are {} s a token and {} s an answer; use more than 0 for the "
                      "first, 0 (none) or more for the second",
                      policy.token_deadline_s, options.answer_deadline_s);
  }
  if (policy.mode == CollabMode::Cloud) {
    return make_error(Code::Unsupported,
                      "mode cloud runs nothing on the device; send the text to a server");
  }
  VERGE_CHECK((link == nullptr) == (policy.mode == CollabMode::Standalone), name(policy.mode));
  return net::packed_bytes(options.codec, {1, 64}).ok()
             ? Status()
             : make_error(Code::InvalidArgument, "there is no codec '{}'; there are {}",
                          options.codec, fmt::join(net::codec_names(), ", "));
}

}  // namespace

std::string_view name(TokenReason reason) {
  return kReasonNames[static_cast<size_t>(reason)];
}

Result<std::unique_ptr<EdgeDriver>> EdgeDriver::create(model::LanguageModel& model,
                                                       const SplitIdentity& split,
                                                       EdgeOptions options, const Clock& clock,
                                                       CloudLink* link) {
  VERGE_RETURN_IF_ERROR(check_edge_options(options, link));
  const auto vocab = static_cast<int32_t>(model.decoder().vocab);
  VERGE_RETURN_IF_ERROR(check_position_sampling(options.sampling, vocab));
  VERGE_TRY(EdgeLayers layers,
            EdgeLayers::create(model, split.exit1, split.exit2, options.max_pending));
  const nn::DecoderConfig& config = model.config();
  const std::array<double, 2> temperatures = options.temperatures.value_or(std::array<double, 2>{
      config.exit_temperature(split.exit1), config.exit_temperature(split.exit2)});
  return std::unique_ptr<EdgeDriver>(new EdgeDriver(std::move(layers), split, std::move(options),
                                                    clock, link, temperatures[0], temperatures[1]));
}

EdgeDriver::EdgeDriver(EdgeLayers layers, SplitIdentity split, EdgeOptions options,
                       const Clock& clock, CloudLink* link, double temperature1,
                       double temperature2)
    : layers_(std::move(layers)),
      split_(std::move(split)),
      options_(std::move(options)),
      clock_(clock),
      link_(link),
      temperature1_(temperature1),
      temperature2_(temperature2) {
  if (link_ == nullptr) return;
  const bool is_naive = options_.policy.mode == CollabMode::Naive;
  uplink_.emplace(*link_,
                  UplinkOptions{.codec = is_naive ? "f32" : options_.codec,
                                .width = split_.width,
                                .keeps_back = is_naive},
                  clock_);
}

Status EdgeDriver::append(std::span<const int32_t> tokens) {
  if (tokens.empty()) return {};
  answer_begin_s_ = clock_.seconds();
  if (newest_) VERGE_RETURN_IF_ERROR(run_newest());
  VERGE_RETURN_IF_ERROR(layers_.append(tokens, [this](StateRun run) {
    if (uplink_) uplink_->push(std::move(run));
  }));
  metrics_.edge_s += clock_.seconds() - answer_begin_s_;
  is_after_prompt_ = true;
  return {};
}

// The newest token's states, and what the first exit makes of it.
Status EdgeDriver::run_newest() {
  const int64_t position = layers_.length();
  VERGE_RETURN_IF_ERROR(layers_.step(*newest_));
  newest_.reset();
  is_after_prompt_ = false;
  const std::span<const float> states = layers_.states();
  if (uplink_) uplink_->push({position, 0, {states.begin(), states.end()}});
  return {};
}

Result<CollabToken> EdgeDriver::next() {
  const double begin_s = clock_.seconds(), waited_s = metrics_.waiting_s;
  take_late_messages();
  if (newest_) VERGE_RETURN_IF_ERROR(run_newest());
  VERGE_CHECK(layers_.length() > 0, layers_.length());
  const int64_t position = layers_.length() - 1;
  CollabToken token;
  token.confidence1 = exit_confidence(layers_.exit1_logits(), temperature1_, options_.measure);
  // After a prompt both exits' layers have run: the second knows better.
  if (!is_after_prompt_ && exit_keeps(token.confidence1, options_.policy.theta1)) {
    VERGE_TRY(token.id, sample_at(options_.sampling, layers_.exit1_logits(), position));
    if (layers_.must_flush()) VERGE_RETURN_IF_ERROR(layers_.flush());
  } else {
    VERGE_TRY(token, decide_second(token, position));
  }
  const double step_s = clock_.seconds() - begin_s - (metrics_.waiting_s - waited_s);
  metrics_.edge_s += step_s;
  state_.edge_step_s.add(step_s);
  ++metrics_.tokens[static_cast<size_t>(token.place)];
  newest_ = token.id;
  return token;
}

Result<CollabToken> EdgeDriver::decide_second(CollabToken token, int64_t position) {
  if (layers_.pending() > 0) VERGE_RETURN_IF_ERROR(layers_.flush());
  token.place = TokenPlace::Exit2;
  token.confidence2 = exit_confidence(layers_.exit2_logits(), temperature2_, options_.measure);
  VERGE_TRY(token.id, sample_at(options_.sampling, layers_.exit2_logits(), position));
  if (options_.policy.mode == CollabMode::Standalone) {
    token.reason = TokenReason::Standalone;
    return token;
  }
  const CollabDecision decision = decide(options_.policy, state_, situation());
  token.theta2 = decision.theta2;
  if (exit_keeps(token.confidence2, decision.theta2)) return token;
  return ask(token, position, decision);
}

// The second exit's token is there already: whatever happens, it can be kept.
CollabToken EdgeDriver::ask(CollabToken token, int64_t position, const CollabDecision& decision) {
  token.place = TokenPlace::Degraded;
  if (!decision.may_ask) {
    token.reason =
        link_->is_up() && !state_.is_link_down ? TokenReason::TooLate : TokenReason::LinkDown;
    if (decision.probes) probe(position);
    return token;
  }
  const double begin_s = clock_.seconds();
  const double until_s = begin_s + decision.wait_s;
  ++metrics_.asked;
  const auto failed = await_token(token, position, until_s);
  metrics_.waiting_s += clock_.seconds() - begin_s;
  if (failed) token.reason = *failed;
  // The base line's server keeps no context.
  if (options_.policy.mode == CollabMode::Naive) (void)uplink_->send(CloseMessage());
  return token;
}

std::optional<TokenReason> EdgeDriver::await_token(CollabToken& token, int64_t position,
                                                   double until_s) {
  const auto fail = [&](TokenReason reason) {
    if (!state_.is_link_down) observe_failure(state_, options_.policy, clock_.seconds());
    return reason;
  };
  // Of a channel that is lost, the next one will say that the link is up again.
  const auto lost = [&] {
    return link_->is_up() ? fail(TokenReason::TimedOut) : TokenReason::LinkDown;
  };
  if (!uplink_->send_all(until_s)) return lost();
  asked_s_ = clock_.seconds();
  asked_position_ = position;
  if (!uplink_->send(finish_message(position, until_s - asked_s_))) return lost();
  while (true) {
    const double left_s = until_s - clock_.seconds();
    const bool is_leaving = link_->unsent_bytes() > 0;
    if (is_leaving) asked_s_ = clock_.seconds();
    const double wait_s = is_leaving ? std::min(left_s, kLookS) : left_s;
    const std::optional<CollabMessage> message = link_->receive(std::max(0.0, wait_s));
    uplink_->pump();
    if (!message) {
      if (!link_->is_up() || left_s <= 0) return lost();
      continue;
    }
    const auto failed = on_message(*message, token, position, until_s);
    if (failed) return fail(*failed);
    if (token.place == TokenPlace::Cloud) return std::nullopt;
  }
}

// What a message means for the token that is waited for: a reason to give it up, or nothing.
std::optional<TokenReason> EdgeDriver::on_message(const CollabMessage& message, CollabToken& token,
                                                  int64_t position, double until_s) {
  if (const auto* answer = std::get_if<TokenMessage>(&message)) {
    if (answer->position != asked_position_) return std::nullopt;  // it was given up
    const double elapsed_s = clock_.seconds() - asked_s_;
    observe_token(state_, elapsed_s, answer->server_s, answer->queue_s);
    round_trips_s_ += std::max(0.0, elapsed_s - answer->server_s - answer->queue_s);
    asked_position_ = -1;
    if (answer->position != position) return std::nullopt;
    metrics_.server_s += answer->server_s + answer->queue_s;
    token.id = answer->id;
    token.logprob = answer->logprob;
    token.place = TokenPlace::Cloud;
    token.reason = TokenReason::Asked;
  } else if (const auto* nack = std::get_if<NackMessage>(&message)) {
    if (!send_again({nack->from, nack->to}, until_s)) return TokenReason::TimedOut;
  } else if (const auto* resume = std::get_if<ResumeMessage>(&message)) {
    if (!send_again({resume->from, layers_.length()}, until_s)) return TokenReason::TimedOut;
  } else if (const auto* busy = std::get_if<BusyMessage>(&message)) {
    if (busy->position != position) return std::nullopt;
    observe_failure(state_, options_.policy, clock_.seconds(), busy->retry_after_s);
    return TokenReason::Busy;
  } else if (std::holds_alternative<FailureMessage>(message)) {
    return TokenReason::Refused;
  }
  return std::nullopt;
}

// Asks for a token that nobody waits for: when it comes, the link is up again. One that is under
// way may still come.
void EdgeDriver::probe(int64_t position) {
  const double now_s = clock_.seconds();
  if (asked_position_ >= 0 && now_s - asked_s_ < options_.policy.token_deadline_s) return;
  if (!uplink_->send_all(now_s)) return;
  observe_probe(state_, options_.policy, now_s);
  ++metrics_.probes;
  asked_s_ = clock_.seconds();
  asked_position_ = position;
  (void)uplink_->send(finish_message(position, options_.policy.token_deadline_s));
}

void EdgeDriver::take_late_messages() {
  if (!uplink_) return;
  if (std::exchange(connections_, link_->connections()) != link_->connections()) {
    state_.is_link_down = false;
  }
  CollabToken nobody_waits;
  while (const auto message = link_->receive(0)) {
    (void)on_message(*message, nobody_waits, -1, clock_.seconds());
  }
  uplink_->pump();
  if (const auto rate = uplink_->take_rate()) state_.drain_bytes_per_s.add(*rate);
}

// What the server misses, as far as it can be meant.
bool EdgeDriver::send_again(PositionRange range, double until_s) {
  range.to = std::min(range.to, layers_.length());
  if (range.from >= range.to) return true;
  const auto runs = layers_.states_again(range);
  if (!runs) return false;
  metrics_.sent_again += range.to - range.from;
  return uplink_->send_again(*runs, until_s);
}

CollabSituation EdgeDriver::situation() const {
  CollabSituation seen{.now_s = clock_.seconds(),
                       .unsent_bytes = uplink_->unsent_bytes(),
                       .is_connected = link_->is_up()};
  if (options_.answer_deadline_s > 0) {
    seen.answer_deadline_s =
        std::max(0.0, options_.answer_deadline_s - (seen.now_s - answer_begin_s_));
  }
  return seen;
}

FinishMessage EdgeDriver::finish_message(int64_t position, double wait_s) const {
  return {.position = position,
          .deadline_s = wait_s,
          .sampling = options_.sampling,
          .want_logprob = options_.want_logprobs};
}

const CollabMetrics& EdgeDriver::metrics() {
  metrics_.edge_layer_tokens = layers_.layer_tokens();
  if (link_ != nullptr) {
    const ChannelCounters counters = link_->counters();
    metrics_.bytes_up = counters.bytes_sent;
    metrics_.bytes_down = counters.bytes_received;
    metrics_.communication_s = uplink_->busy_s() + round_trips_s_;
  }
  return metrics_;
}

}  // namespace verge::serve
