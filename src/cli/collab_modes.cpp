#include <atomic>
#include <ostream>

#include <verge/cli/collab_modes.hpp>
#include <verge/cli/collab_server.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/core/clock.hpp>
#include <verge/engine/text/detokenizer.hpp>
#include <verge/platform/net/grpc/grpc_channel.hpp>
#include <verge/stages/serve/collab/cloud_text.hpp>

namespace verge::cli {
namespace {

using serve::CollabMode;
using serve::CollabToken;
using serve::TokenPlace;

constexpr double kFirstLinkS = 5;  // to wait for the cloud before the first token

// The server tells sessions apart by it.
std::string session_name() {
  static std::atomic<int> count = 0;
  return fmt::format("{:x}-{}", static_cast<int64_t>(CalendarClock().seconds() * 1e6), ++count);
}

}  // namespace

std::vector<int32_t> CollabOutcome::ids() const {
  std::vector<int32_t> ids;
  for (const CollabToken& token : tokens) ids.push_back(token.id);
  return ids;
}

Result<CollabModes> CollabModes::create(const CollabRunOptions& options, const CollabPrompt& prompt,
                                        const CollabModel& device, const Clock& clock,
                                        std::ostream& err) {
  CollabModes modes(options, prompt, device, clock, err);
  VERGE_TRY(modes.trace_, options.link.read());
  if (!options.cloud.empty()) {
    VERGE_TRY(modes.own_, options.home.credentials());
  }
  if (!options.policy.empty()) {
    VERGE_TRY(modes.policy_, read_policy(options.policy));
    VERGE_RETURN_IF_ERROR(check_policy(*modes.policy_, options.policy, device.split.model_hash,
                                       {device.split.exit1, device.split.exit2}));
  }
  modes.tokens_ = device.model->tokenizer().encode(prompt.text, {});
  return modes;
}

std::unique_ptr<serve::CloudLink> CollabModes::connect(const char* service) const {
  const auto dial = [this, service]() -> Result<std::unique_ptr<Channel>> {
    VERGE_TRY(auto channel, net::dial(options_.cloud, *own_, unix_time_s(), {.service = service}));
    return shape(std::move(channel), trace_, clock_);
  };
  const runtime::Decoder& decoder = device_.model->decoder();
  auto link = std::make_unique<serve::CloudLink>(
      dial,
      serve::HelloMessage{
          .split = device_.split, .codecs = {options_.codec}, .session = session_name()},
      serve::CollabLimits{
          .width = device_.split.width, .vocab = decoder.vocab, .context = decoder.context});
  link->wait(kFirstLinkS);
  if (!link->is_up()) {
    const Status status = link->status();
    err_ << fmt::format("without the cloud: {}\n",
                        status ? "it does not answer yet" : status.error().message);
  }
  return link;
}

int64_t CollabModes::room() const {
  const int64_t left = device_.model->decoder().context - static_cast<int64_t>(tokens_.size());
  return prompt_.max_tokens < 0 ? left : std::min(left, prompt_.max_tokens);
}

Result<CollabOutcome> CollabModes::run(CollabMode mode, const Show& show) const {
  VERGE_TRY(CollabOutcome outcome,
            mode == CollabMode::Cloud ? run_cloud(show) : run_device(mode, show));
  outcome.mode = mode;
  return outcome;
}

// `next` makes a token, or nothing at the end.
template <typename Next>
Result<CollabOutcome> CollabModes::answer(double begin_s, Next next, const Show& show) const {
  const text::Tokenizer& tokenizer = device_.model->tokenizer();
  std::atomic<bool>& interrupted = catch_interrupts();
  text::Detokenizer words(tokenizer, {.starts_text = false});
  CollabOutcome outcome;
  bool goes_on = true;
  const auto add = [&](TokenPlace place, const std::string& text) {
    outcome.text += text;
    goes_on = text.empty() || show(place, text);
  };
  while (goes_on && !interrupted && static_cast<int64_t>(outcome.tokens.size()) < room()) {
    VERGE_TRY(const std::optional<CollabToken> token, next());
    if (!token || (tokenizer.is_end(token->id) && !prompt_.ignore_end)) break;
    outcome.tokens.push_back(*token);
    add(token->place, words.push(token->id));
  }
  add(TokenPlace::Exit1, words.flush());
  outcome.seconds = clock_.seconds() - begin_s;
  return outcome;
}

Result<CollabOutcome> CollabModes::run_cloud(const Show& show) const {
  const auto link = connect(kTextService);
  serve::CloudText text(*link);
  const double begin_s = clock_.seconds();
  VERGE_RETURN_IF_ERROR(text.ask(tokens_, room(), prompt_.sampling));
  const auto next = [&]() -> Result<std::optional<CollabToken>> {
    VERGE_TRY(const std::optional<int32_t> id, text.next(options_.deadline_s));
    if (!id) return std::optional<CollabToken>();
    return std::optional(
        CollabToken{.id = *id, .place = TokenPlace::Cloud, .reason = serve::TokenReason::Asked});
  };
  VERGE_TRY(CollabOutcome outcome, answer(begin_s, next, show));
  const ChannelCounters counters = link->counters();
  serve::CollabMetrics& metrics = outcome.metrics;
  metrics.tokens[static_cast<size_t>(TokenPlace::Cloud)] = std::ssize(outcome.tokens);
  metrics.bytes_up = counters.bytes_sent;
  metrics.bytes_down = counters.bytes_received;
  metrics.waiting_s = outcome.seconds;
  return outcome;
}

Result<CollabOutcome> CollabModes::run_device(CollabMode mode, const Show& show) const {
  serve::EdgeOptions edge;
  edge.policy.mode = mode;
  edge.policy.theta1 = options_.theta1;
  edge.policy.theta2 = options_.theta2;
  if (policy_) {
    edge.policy.theta1 = policy_->thetas[0];
    edge.policy.theta2 = policy_->thetas[1];
    edge.temperatures = policy_->temperatures;
    edge.measure = policy_->measure;
  }
  edge.policy.token_deadline_s = options_.deadline_s;
  edge.codec = options_.codec;
  edge.sampling = prompt_.sampling;
  const auto link = mode == CollabMode::Standalone ? nullptr : connect(kCollabService);
  VERGE_TRY(const auto driver,
            serve::EdgeDriver::create(*device_.model, device_.split, edge, clock_, link.get()));
  const double begin_s = clock_.seconds();
  VERGE_RETURN_IF_ERROR(driver->append(tokens_));
  const auto next = [&]() -> Result<std::optional<CollabToken>> {
    VERGE_TRY(const CollabToken token, driver->next());
    return std::optional(token);
  };
  VERGE_TRY(CollabOutcome outcome, answer(begin_s, next, show));
  outcome.metrics = driver->metrics();
  return outcome;
}

}  // namespace verge::cli
