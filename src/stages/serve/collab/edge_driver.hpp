#pragma once
// EdgeDriver: one answer of a split language model, on the device. Each token is the first exit's
// where that is sure, else the second's, else the server's, whose share of the work has mostly been
// sent before (CE-CoLLM, Jin and Wu 2025). Whatever becomes of link and server, the next token
// comes; where it was made, and why, comes with it.
//
//   VERGE_TRY(auto driver, EdgeDriver::create(*lower_layers, split, options, clock, &link));
//   VERGE_RETURN_IF_ERROR(driver->append(prompt));
//   VERGE_TRY(const CollabToken token, driver->next());
//
// In mode Collab only hidden states leave the device, never a token or its text. That is no more
// than it says: states of shallow layers can be inverted by who has the model.

#include <array>
#include <memory>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/collab/cloud_link.hpp>
#include <verge/stages/serve/collab/collab_metrics.hpp>
#include <verge/stages/serve/collab/collab_policy.hpp>
#include <verge/stages/serve/collab/edge_layers.hpp>
#include <verge/stages/serve/collab/exit_confidence.hpp>
#include <verge/stages/serve/collab/state_uplink.hpp>

namespace verge::serve {

struct EdgeOptions {
  CollabPolicyOptions policy = {};
  std::string codec = "f16";  // of states (platform/net/codec)
  ConfidenceMeasure measure = ConfidenceMeasure::MaxProbability;
  /// Of the two exits, above 0; nothing: the model's own.
  std::optional<std::array<double, 2>> temperatures = {};
  text::SamplerOptions sampling = {.temperature = 0};
  int64_t max_pending = 32;      // tokens that leave at the first exit until all of them are run on
  double answer_deadline_s = 0;  // for all of the answer, from append(); 0: none
  bool want_logprobs = false;    // of the server's tokens
};

/// Why a token was made where it was.
enum class TokenReason {
  Sure,        // the exit was
  Asked,       // it was not, and the server answered
  Standalone,  // the mode has no server
  TooLate,     // the server would have answered after the deadline
  LinkDown,    // the server cannot be reached, or did not answer lately
  TimedOut,    // it did not answer in time
  Busy,        // it said so
  Refused,     // it failed
};
std::string_view name(TokenReason reason);

struct CollabToken {
  int32_t id = 0;
  TokenPlace place = TokenPlace::Exit1;
  TokenReason reason = TokenReason::Sure;
  double confidence1 = 0;
  double confidence2 = 0;  // 0 where the second exit was not reached
  double theta2 = 1;       // as the policy had it
  std::optional<float> logprob = {};
};

class EdgeDriver {
 public:
  /// `model` has layers [0, split.exit2). All must outlive it. `link`: null in mode Standalone, and
  /// only there. Fails with InvalidArgument for thresholds, codecs or numbers out of range,
  /// Unsupported for sampling that needs the text (position_sampler.hpp) and for mode Cloud, which
  /// has no part here; as EdgeLayers::create, too.
  static Result<std::unique_ptr<EdgeDriver>> create(model::LanguageModel& model,
                                                    const SplitIdentity& split, EdgeOptions options,
                                                    const Clock& clock, CloudLink* link);

  /// Adds a prompt, or what a user says next. Fails as EdgeLayers::append.
  Status append(std::span<const int32_t> tokens);
  /// The next token; there must be a prompt. Fails as the engine does, never for link or server.
  Result<CollabToken> next();
  const CollabMetrics& metrics();
  const CollabPolicyState& policy_state() const { return state_; }

 private:
  EdgeDriver(EdgeLayers layers, SplitIdentity split, EdgeOptions options, const Clock& clock,
             CloudLink* link, double temperature1, double temperature2);

  Status run_newest();
  bool send_again(PositionRange range, double until_s);
  void take_late_messages();
  Result<CollabToken> decide_second(CollabToken token, int64_t position);
  CollabToken ask(CollabToken token, int64_t position, const CollabDecision& decision);
  void probe(int64_t position);
  std::optional<TokenReason> await_token(CollabToken& token, int64_t position, double until_s);
  std::optional<TokenReason> on_message(const CollabMessage& message, CollabToken& token,
                                        int64_t position, double until_s);
  CollabSituation situation() const;
  FinishMessage finish_message(int64_t position, double wait_s) const;

  EdgeLayers layers_;
  const SplitIdentity split_;
  const EdgeOptions options_;
  const Clock& clock_;
  CloudLink* const link_;
  const double temperature1_;
  const double temperature2_;

  std::optional<StateUplink> uplink_;  // none in mode Standalone
  int64_t connections_ = 0;            // CloudLink::connections, as seen last
  CollabPolicyState state_;
  CollabMetrics metrics_;
  double answer_begin_s_ = 0;
  double round_trips_s_ = 0;
  double asked_s_ = 0;             // when the newest Finish left, as far as was seen
  int64_t asked_position_ = -1;    // of it
  std::optional<int32_t> newest_;  // not run yet
  bool is_after_prompt_ = false;
};

}  // namespace verge::serve
