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
// With EdgeOptions::draft_tokens it goes on while the server is asked, from the second exit's token
// as a draft (Verge's own). Tokens that the exits are sure of hold if all drafts before them do;
// where the server's token is another, all after it is undone, on both ends. So the text is the one
// without drafts, and waits for fewer round trips.
//
// In mode Collab only hidden states leave the device, never a token or its text. That is no more
// than it says: states of shallow layers can be inverted by who has the model.

#include <deque>
#include <memory>

#include <verge/stages/serve/collab/cloud_requests.hpp>

namespace verge::serve {

class EdgeDriver {
 public:
  /// `model` has layers [0, split.exit2). All must outlive it. `link`: null in mode Standalone, and
  /// only there. Fails with InvalidArgument for thresholds, codecs or numbers out of range,
  /// Unsupported for sampling that needs the text (position_sampler.hpp) and for mode Cloud, which
  /// has no part here; as EdgeLayers::create, too.
  static Result<std::unique_ptr<EdgeDriver>> create(model::LanguageModel& model,
                                                    const SplitIdentity& split, EdgeOptions options,
                                                    const Clock& clock, CloudLink* link);

  /// How the tokens from here on are drawn, and EdgeOptions::answer_deadline_s of the next answer.
  /// Fails as create() does for them.
  Status set_answer(text::SamplerOptions sampling, double answer_deadline_s);
  /// Adds a prompt, or what a user says next. Fails as EdgeLayers::append.
  Status append(std::span<const int32_t> tokens);
  /// In place of the first append, goes on with the answer to its one prompt that a device which is
  /// gone began in the same session: `told`, of recall(). What that had given out is the result,
  /// and the next token the one after it. Fails with Conflict where it had another prompt, else as
  /// append.
  Result<std::vector<int32_t>> take_over(std::span<const int32_t> prompt,
                                         const TokensMessage& told);
  /// The next token; there must be a prompt. Fails as the engine does, never for link or server.
  Result<CollabToken> next();
  /// The same, or nothing where the server's answer has not come after waiting so long: whoever has
  /// other work does it, and calls again.
  Result<std::optional<CollabToken>> next_within(double wait_s);
  const CollabMetrics& metrics();
  /// Tokens that are run, whose keys and values take pages.
  int64_t length() const { return layers_.length(); }
  const CollabPolicyState& policy_state() const { return state_; }

 private:
  // A token that was made and not given out yet, after position `position`.
  struct Made {
    CollabToken token = {};
    int64_t position = 0;
    bool is_draft = false;       // the server was asked for it
    bool is_waited_for = false;  // counted as a wait
  };
  EdgeDriver(EdgeLayers layers, EdgeOptions options, const Clock& clock, CloudLink* link,
             std::array<double, 2> temperatures);

  Status run_newest();
  Status make();
  Status decide_second(Made& made);
  void ask(Made& made, const CollabDecision& decision);
  void settle_drafts();
  bool may_draft() const;
  void rewind(int64_t length);
  double left_s() const;
  void tell(std::span<const int32_t> tokens);

  EdgeLayers layers_;
  EdgeOptions options_;
  const Clock& clock_;
  CloudLink* const link_;
  const std::array<double, 2> temperatures_;

  CollabPolicyState state_;
  CollabMetrics metrics_;
  std::optional<CloudRequests> requests_;  // none in mode Standalone
  double answer_begin_s_ = 0;
  std::deque<Made> made_;
  std::optional<int32_t> newest_;  // not run yet
  bool is_after_prompt_ = false;
  std::vector<int32_t> said_;  // EdgeOptions::audit: the prompt and what was given out
};

}  // namespace verge::serve
