#pragma once
// ContextManager: the server's half of a split language model. It keeps each session's states and
// KV cache of the layers above the first exit, computes every position once, and answers what
// devices are not sure of, many sessions in one run of the model (CE-CoLLM, Jin and Wu 2025).
//
//   VERGE_TRY(auto manager, ContextManager::create(*upper_layers, split, clock, {}));
//   std::jthread engine([&](std::stop_token stop) { manager->run(stop); });
//   manager->serve(channel, {tenant, device});   // on a thread of the connection, until it closes
//
// A Finish waits until the pages of its session's whole context can be had and all its states are
// there; what is missing is asked for at once.

#include <atomic>
#include <map>
#include <memory>
#include <stop_token>

#include <verge/core/clock.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/collab/collab_policy.hpp>
#include <verge/stages/serve/collab/connection_inbox.hpp>
#include <verge/stages/serve/collab/context_store.hpp>
#include <verge/stages/serve/collab/segment_plan.hpp>
#include <verge/stages/serve/scheduler/fair_share.hpp>

namespace verge::serve {

struct ContextManagerOptions {
  int64_t states_bytes = int64_t{256} << 20;  // that wait to be computed, of all sessions
  int64_t inbox_bytes = int64_t{64} << 20;
  double lease_s = 120;
  int64_t max_sessions = 4096;
  int64_t max_waiting = 1024;  // Finish requests; those beyond are told Busy
  bool fills_prompts = true;   // while nobody waits
};

struct ContextSnapshot {
  int64_t sessions = 0;
  int64_t waiting = 0;  // Finish requests
  int64_t states_bytes = 0;
  int64_t kv_pages = 0;
  int64_t steps = 0;
  int64_t segments = 0;      // of all steps
  int64_t layer_tokens = 0;  // the engine's own count of what it ran
  int64_t tokens = 0;        // answered
  int64_t nacks = 0;         // ranges and whole sessions that were asked for again
  int64_t evictions = 0;     // sessions that lost their pages to others
  int64_t busy = 0;
  double engine_s = 0;
};

class ContextManager {
 public:
  /// `model` has the layers from split.exit1 on (LoadOptions::layers). All must outlive it. Fails
  /// with Unsupported for other layers, or steps too small to cut prompts in.
  static Result<std::unique_ptr<ContextManager>> create(model::LanguageModel& model,
                                                        SplitIdentity split, const Clock& clock,
                                                        ContextManagerOptions options = {});

  /// Any thread. Serves one device until the channel is closed or the engine stops.
  Status serve(Channel& channel, const CollabPeer& peer);

  /// The engine's thread, until stopped.
  void run(std::stop_token stop);
  /// What has come, and one run of the model; false where there was nothing to run.
  bool step();

  /// Any thread.
  ContextSnapshot snapshot() const;

 private:
  struct Request {
    FinishMessage finish;
    double arrived_s = 0;
    double deadline_s = 0;  // of the clock
    double engine_s = 0;    // of the steps it was part of
    uint64_t arrival = 0;
    int64_t asked_again = -1;  // the gap that was last asked for begins there
  };
  struct LiveSession {
    runtime::Sequence sequence;
    std::shared_ptr<CollabConnection> connection;
    std::optional<Request> request = {};
    /// After the newest position that had any, while it has its pages: a prompt that was run ahead,
    /// or an answer that may have been lost.
    int64_t logits_position = -1;
    std::vector<float> logits = {};
  };
  using Live = std::map<SessionKey, LiveSession>;
  struct Part {
    SegmentPart plan;
    Live::iterator session;
    std::vector<float> states;
  };

  ContextManager(model::LanguageModel& model, runtime::LayerPlans& layers, SplitIdentity split,
                 const Clock& clock, ContextManagerOptions options);

  void take(CollabEvent& event);
  void part(const std::shared_ptr<CollabConnection>& connection);
  void greet(const std::shared_ptr<CollabConnection>& connection, const HelloMessage& hello);
  void keep_states(Live::iterator session, const StatesMessage& states,
                   std::span<const float> rows);
  void ask(Live::iterator session, const FinishMessage& finish);
  bool refuses(const LiveSession& live, const FinishMessage& finish);
  void forget(Live::iterator session);
  void drop_request(Live::iterator session);
  void end_leases();
  void admit();
  void ask_again(Live::iterator session);
  std::vector<SegmentCandidate> candidates();
  std::vector<Part> parts_of(std::span<const SegmentPart> plan);
  Status run_parts(std::span<const Part> parts);
  void finish(std::span<const Part> parts);
  void answer(LiveSession& live, const Request& request);
  void fail(std::span<const Part> parts, const Error& error);
  double expected_wait_s() const;
  void publish();

  runtime::Decoder& decoder_;
  runtime::LayerPlans& layers_;
  const SplitIdentity split_;
  const Clock& clock_;
  const ContextManagerOptions options_;
  const CollabLimits limits_;
  ConnectionInbox inbox_;
  ContextStore store_;
  Live live_;
  std::map<CollabConnection*, SessionKey> sessions_of_;
  FairShare fair_;
  uint64_t arrivals_ = 0;
  Ewma step_s_;
  ContextSnapshot counters_;
  mutable std::mutex published_mutex_;
  ContextSnapshot published_;
};

}  // namespace verge::serve
