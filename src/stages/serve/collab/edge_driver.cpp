#include <algorithm>
#include <limits>

#include <verge/stages/serve/collab/edge_driver.hpp>
#include <verge/stages/serve/collab/position_sampler.hpp>
#include <verge/stages/serve/collab/recall.hpp>

namespace verge::serve {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

bool exit_keeps(double confidence, double theta) {
  return theta < 1 && confidence >= theta;
}

}  // namespace

Result<std::unique_ptr<EdgeDriver>> EdgeDriver::create(model::LanguageModel& model,
                                                       const SplitIdentity& split,
                                                       EdgeOptions options, const Clock& clock,
                                                       CloudLink* link) {
  VERGE_RETURN_IF_ERROR(check_edge_options(options));
  const CollabMode mode = options.policy.mode;
  VERGE_CHECK((link == nullptr) == (mode == CollabMode::Standalone), serve::name(mode));
  const auto vocab = static_cast<int32_t>(model.decoder().vocab);
  VERGE_RETURN_IF_ERROR(check_position_sampling(options.sampling, vocab));
  VERGE_TRY(EdgeLayers layers,
            EdgeLayers::create(model, split.exit1, split.exit2, options.max_pending));
  const nn::DecoderConfig& config = model.config();
  const std::array<double, 2> temperatures = options.temperatures.value_or(std::array<double, 2>{
      config.exit_temperature(split.exit1), config.exit_temperature(split.exit2)});
  return std::unique_ptr<EdgeDriver>(
      new EdgeDriver(std::move(layers), std::move(options), clock, link, temperatures));
}

EdgeDriver::EdgeDriver(EdgeLayers layers, EdgeOptions options, const Clock& clock, CloudLink* link,
                       std::array<double, 2> temperatures)
    : layers_(std::move(layers)),
      options_(std::move(options)),
      clock_(clock),
      link_(link),
      temperatures_(temperatures) {
  if (link_ != nullptr) requests_.emplace(*link_, layers_, options_, clock_, state_, metrics_);
}

Status EdgeDriver::set_answer(text::SamplerOptions sampling, double answer_deadline_s) {
  EdgeOptions options = options_;
  options.sampling = std::move(sampling);
  options.answer_deadline_s = answer_deadline_s;
  VERGE_RETURN_IF_ERROR(check_edge_options(options));
  VERGE_RETURN_IF_ERROR(check_position_sampling(options.sampling, layers_.vocab()));
  options_ = std::move(options);
  return {};
}

Status EdgeDriver::append(std::span<const int32_t> tokens) {
  if (tokens.empty()) return {};
  answer_begin_s_ = clock_.seconds();
  if (!made_.empty()) {  // what was given out last has been run; nobody wants what comes after it
    newest_.reset();
    rewind(made_.front().position + 1);
    made_.clear();
  }
  if (newest_) VERGE_RETURN_IF_ERROR(run_newest());
  VERGE_RETURN_IF_ERROR(layers_.append(tokens, [this](StateRun run) {
    if (requests_) requests_->push(std::move(run));
  }));
  metrics_.edge_s += clock_.seconds() - answer_begin_s_;
  is_after_prompt_ = true;
  tell(tokens);
  return {};
}

Result<std::vector<int32_t>> EdgeDriver::take_over(std::span<const int32_t> prompt,
                                                   const TokensMessage& told) {
  VERGE_CHECK(layers_.length() == 0, layers_.length());
  VERGE_TRY(std::vector<int32_t> said, said_after(prompt, told.ids));
  if (requests_) requests_->take_over(told.branch.number, std::ssize(told.ids));
  VERGE_RETURN_IF_ERROR(append(prompt));
  for (const int32_t token : said) {
    if (newest_) VERGE_RETURN_IF_ERROR(run_newest());
    if (layers_.must_flush()) VERGE_RETURN_IF_ERROR(layers_.flush());
    newest_ = token;
  }
  tell(said);
  return said;
}

void EdgeDriver::tell(std::span<const int32_t> tokens) {
  if (!requests_ || !options_.audit) return;
  said_.insert(said_.end(), tokens.begin(), tokens.end());
  requests_->tell(said_);
}

// The newest token's states, and what the first exit makes of it.
Status EdgeDriver::run_newest() {
  const int64_t position = layers_.length();
  VERGE_RETURN_IF_ERROR(layers_.step(*newest_));
  newest_.reset();
  is_after_prompt_ = false;
  const std::span<const float> states = layers_.states();
  if (requests_) requests_->push({position, 0, {states.begin(), states.end()}});
  return {};
}

Result<CollabToken> EdgeDriver::next() {
  VERGE_TRY(const std::optional<CollabToken> token, next_within(kUnbounded));
  return *token;
}

Result<std::optional<CollabToken>> EdgeDriver::next_within(double wait_s) {
  const double until_s = clock_.seconds() + wait_s;
  if (requests_) requests_->look();
  settle_drafts();
  if (made_.empty()) VERGE_RETURN_IF_ERROR(make());
  while (true) {
    settle_drafts();
    if (!made_.front().is_draft) break;
    if (may_draft()) {
      VERGE_RETURN_IF_ERROR(make());
      ++metrics_.drafted;
      requests_->look();
      continue;
    }
    metrics_.waits += !std::exchange(made_.front().is_waited_for, true);
    const double left_s = until_s - clock_.seconds();
    if (left_s <= 0) return std::optional<CollabToken>();
    requests_->wait(left_s);
  }
  const CollabToken token = made_.front().token;
  made_.pop_front();
  tell({&token.id, 1});
  ++metrics_.tokens[static_cast<size_t>(token.place)];
  return std::optional(token);
}

// One more token, after the newest position: an exit's, which may be a draft.
Status EdgeDriver::make() {
  const double begin_s = clock_.seconds(), waited_s = metrics_.waiting_s;
  if (newest_) VERGE_RETURN_IF_ERROR(run_newest());
  VERGE_CHECK(layers_.length() > 0, layers_.length());
  Made made{.position = layers_.length() - 1};
  CollabToken& token = made.token;
  token.confidence1 = exit_confidence(layers_.exit1_logits(), temperatures_[0], options_.measure);
  // After a prompt both exits' layers have run: the second knows better.
  if (!is_after_prompt_ && exit_keeps(token.confidence1, options_.policy.theta1)) {
    VERGE_TRY(token.id, sample_at(options_.sampling, layers_.exit1_logits(), made.position));
    if (layers_.must_flush()) VERGE_RETURN_IF_ERROR(layers_.flush());
  } else {
    VERGE_RETURN_IF_ERROR(decide_second(made));
  }
  const double step_s = clock_.seconds() - begin_s - (metrics_.waiting_s - waited_s);
  metrics_.edge_s += step_s;
  state_.edge_step_s.add(step_s);
  newest_ = token.id;
  made_.push_back(made);
  return {};
}

Status EdgeDriver::decide_second(Made& made) {
  CollabToken& token = made.token;
  if (layers_.pending() > 0) VERGE_RETURN_IF_ERROR(layers_.flush());
  token.place = TokenPlace::Exit2;
  token.confidence2 = exit_confidence(layers_.exit2_logits(), temperatures_[1], options_.measure);
  VERGE_TRY(token.id, sample_at(options_.sampling, layers_.exit2_logits(), made.position));
  if (options_.policy.mode == CollabMode::Standalone) {
    token.reason = TokenReason::Standalone;
    return {};
  }
  const CollabDecision decision = requests_->decide(left_s());
  token.theta2 = decision.theta2;
  if (!exit_keeps(token.confidence2, decision.theta2)) ask(made, decision);
  return {};
}

// The second exit's token is there already: whatever happens, it can be kept.
void EdgeDriver::ask(Made& made, const CollabDecision& decision) {
  made.token.place = TokenPlace::Degraded;
  made.is_draft = decision.may_ask;
  if (made.is_draft) return requests_->ask(made.position, decision.wait_s);
  made.token.reason =
      link_->is_up() && !state_.is_link_down ? TokenReason::TooLate : TokenReason::LinkDown;
  if (decision.probes) requests_->probe(made.position);
}

// What the server made of drafts, the oldest first.
void EdgeDriver::settle_drafts() {
  for (size_t i = 0; i < made_.size(); ++i) {
    Made& made = made_[i];
    if (!made.is_draft) continue;
    const std::optional<CloudAnswer> answer = requests_->take_answer(made.position);
    if (!answer) return;
    made.is_draft = false;
    made.token.reason = answer->reason;
    // The base line's server keeps no context.
    if (options_.policy.mode == CollabMode::Naive) requests_->close_context();
    if (answer->reason != TokenReason::Asked) continue;
    made.token.place = TokenPlace::Cloud;
    made.token.logprob = answer->logprob;
    if (std::exchange(made.token.id, answer->id) == answer->id) continue;
    metrics_.undone += std::ssize(made_) - 1 - static_cast<int64_t>(i);
    rewind(made.position + 1);
    newest_ = answer->id;
    made_.resize(i + 1);
  }
}

bool EdgeDriver::may_draft() const {
  const CollabMode mode = options_.policy.mode;
  return (mode == CollabMode::Collab || mode == CollabMode::Auto) &&
         std::ssize(made_) <= options_.draft_tokens && layers_.length() < layers_.context();
}

// On both ends.
void EdgeDriver::rewind(int64_t length) {
  const bool is_other = layers_.length() > length;
  layers_.rewind(length);
  if (requests_) requests_->rewind(length, is_other);
}

// Until the whole answer is wanted.
double EdgeDriver::left_s() const {
  if (options_.answer_deadline_s <= 0) return -1;
  return std::max(0.0, options_.answer_deadline_s - (clock_.seconds() - answer_begin_s_));
}

const CollabMetrics& EdgeDriver::metrics() {
  metrics_.edge_layer_tokens = layers_.layer_tokens();
  if (requests_) {
    const ChannelCounters counters = link_->counters();
    metrics_.bytes_up = counters.bytes_sent;
    metrics_.bytes_down = counters.bytes_received;
    metrics_.communication_s = requests_->communication_s();
    metrics_.late_states = requests_->late_states();
  }
  return metrics_;
}

}  // namespace verge::serve
