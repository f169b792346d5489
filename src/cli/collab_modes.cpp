#include <atomic>
#include <ostream>

#include <verge/cli/collab_modes.hpp>
#include <verge/cli/collab_server.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/core/clock.hpp>
#include <verge/engine/text/detokenizer.hpp>
#include <verge/platform/telemetry/energy_meter.hpp>
#include <verge/stages/serve/collab/cloud_text.hpp>
#include <verge/stages/serve/collab/recall.hpp>

namespace verge::cli {
namespace {

using serve::CollabMode;
using serve::CollabToken;
using serve::TokenPlace;

constexpr double kRecallS = 5;  // to wait for what the cloud was told before

}  // namespace

std::vector<int32_t> CollabOutcome::ids() const {
  std::vector<int32_t> ids;
  for (const CollabToken& token : tokens) ids.push_back(token.id);
  return ids;
}

Result<CollabModes> CollabModes::create(const CollabOptions& options, const CollabPrompt& prompt,
                                        const CollabModel& device, const Clock& clock,
                                        std::ostream& err) {
  CollabModes modes(options, prompt, device, clock, err);
  VERGE_TRY(modes.cloud_, CollabDevice::create(options));
  VERGE_RETURN_IF_ERROR(modes.cloud_->check(device.split));
  modes.tokens_ = device.model->tokenizer().encode(prompt.text, {});
  return modes;
}

int64_t CollabModes::room() const {
  const int64_t left = device_.model->decoder().context - static_cast<int64_t>(tokens_.size());
  return prompt_.max_tokens < 0 ? left : std::min(left, prompt_.max_tokens);
}

Result<CollabOutcome> CollabModes::run(CollabMode mode, const Show& show) const {
  auto meter = telemetry::EnergyMeter::open();
  VERGE_TRY(CollabOutcome outcome,
            mode == CollabMode::Cloud ? run_cloud(show) : run_device(mode, show));
  outcome.mode = mode;
  if (meter) {
    VERGE_TRY(outcome.energy_j, meter->joules());
  }
  return outcome;
}

// `said`: what was given out before; `next` makes a token, or nothing at the end.
template <typename Next>
Result<CollabOutcome> CollabModes::answer(double begin_s, std::span<const int32_t> said, Next next,
                                          const Show& show) const {
  const text::Tokenizer& tokenizer = device_.model->tokenizer();
  std::atomic<bool>& interrupted = catch_interrupts();
  text::Detokenizer words(tokenizer, {.starts_text = false});
  CollabOutcome outcome;
  outcome.recovered = std::ssize(said);
  bool goes_on = true;
  const auto add = [&](TokenPlace place, const std::string& text) {
    outcome.text += text;
    goes_on = text.empty() || show(place, text);
  };
  const auto ends = [&](int32_t id) { return tokenizer.is_end(id) && !prompt_.ignore_end; };
  for (const int32_t id : said) {
    if (!ends(id)) add(TokenPlace::Exit1, words.push(id));
  }
  goes_on = goes_on && (said.empty() || !ends(said.back()));
  const int64_t most = room() - outcome.recovered;
  while (goes_on && !interrupted && std::ssize(outcome.tokens) < most) {
    VERGE_TRY(const std::optional<CollabToken> token, next());
    if (!token || ends(token->id)) break;
    outcome.tokens.push_back(*token);
    outcome.token_s.push_back(clock_.seconds() - begin_s);
    add(token->place, words.push(token->id));
  }
  add(TokenPlace::Exit1, words.flush());
  outcome.seconds = clock_.seconds() - begin_s;
  return outcome;
}

Result<CollabOutcome> CollabModes::run_cloud(const Show& show) const {
  const auto link = cloud_->connect(device_, kTextService, err_);
  serve::CloudText text(*link);
  const double begin_s = clock_.seconds();
  VERGE_RETURN_IF_ERROR(text.ask(tokens_, room(), prompt_.sampling));
  const auto next = [&]() -> Result<std::optional<CollabToken>> {
    VERGE_TRY(const std::optional<int32_t> id, text.next(options_.deadline_s));
    if (!id) return std::optional<CollabToken>();
    return std::optional(
        CollabToken{.id = *id, .place = TokenPlace::Cloud, .reason = serve::TokenReason::Asked});
  };
  VERGE_TRY(CollabOutcome outcome, answer(begin_s, {}, next, show));
  const ChannelCounters counters = link->counters();
  serve::CollabMetrics& metrics = outcome.metrics;
  metrics.tokens[static_cast<size_t>(TokenPlace::Cloud)] = std::ssize(outcome.tokens);
  metrics.bytes_up = counters.bytes_sent;
  metrics.bytes_down = counters.bytes_received;
  metrics.waiting_s = outcome.seconds;
  metrics.server_s = text.server_s();
  metrics.communication_s = metrics.exposed_s();
  return outcome;
}

// What the cloud was told before in a session that the user named; nothing where there is none.
// Where the cloud does not say, the link is another one's: what that session holds is not known.
std::optional<serve::TokensMessage> CollabModes::recall(Link& link) const {
  if (link == nullptr || options_.session.empty()) return std::nullopt;
  auto told = serve::recall(*link, kRecallS);
  if (told) return std::move(*told);
  err_ << fmt::format("session {} is left as it is: {}\n", options_.session, told.error().message);
  link = cloud_->connect(device_.split, device_.model->decoder(), kCollabService);
  return std::nullopt;
}

Result<CollabOutcome> CollabModes::run_device(CollabMode mode, const Show& show) const {
  serve::EdgeOptions edge = cloud_->edge_options(mode);
  edge.sampling = prompt_.sampling;
  edge.draft_tokens = prompt_.draft_tokens;
  Link link =
      mode == CollabMode::Standalone ? nullptr : cloud_->connect(device_, kCollabService, err_);
  const std::optional<serve::TokensMessage> told = recall(link);
  VERGE_TRY(const auto driver,
            serve::EdgeDriver::create(*device_.model, device_.split, edge, clock_, link.get()));
  const double begin_s = clock_.seconds();
  std::vector<int32_t> said;
  if (told) {
    VERGE_TRY(said, driver->take_over(tokens_, *told));
  } else {
    VERGE_RETURN_IF_ERROR(driver->append(tokens_));
  }
  const auto next = [&]() -> Result<std::optional<CollabToken>> {
    VERGE_TRY(const CollabToken token, driver->next());
    return std::optional(token);
  };
  VERGE_TRY(CollabOutcome outcome, answer(begin_s, said, next, show));
  outcome.metrics = driver->metrics();
  return outcome;
}

}  // namespace verge::cli
