#pragma once
// ContextSessions: the sessions of a ContextManager: what devices said, what is kept of each, and
// which of them wait for an answer. It runs nothing.

#include <functional>
#include <map>
#include <memory>

#include <verge/core/clock.hpp>
#include <verge/engine/runtime/sequence.hpp>
#include <verge/platform/telemetry/metrics.hpp>
#include <verge/stages/serve/collab/collab_policy.hpp>
#include <verge/stages/serve/collab/connection_inbox.hpp>
#include <verge/stages/serve/collab/context_store.hpp>
#include <verge/stages/serve/scheduler/fair_share.hpp>

namespace verge::serve {

/// What the engine observes; handles made by default count nothing.
struct ContextHistograms {
  telemetry::Histogram step_sessions = {};
  telemetry::Histogram finish_s = {};  // from a Finish to its Token
  telemetry::Histogram queue_s = {};   // from it to its first step
};

struct ContextManagerOptions {
  int64_t states_bytes = int64_t{256} << 20;  // that wait to be computed, of all sessions
  /// Folder for states beyond that, of sessions that others put out of memory; "": none.
  std::string spill_folder = {};
  int64_t spill_bytes = int64_t{4} << 30;  // there
  std::string spill_codec = "f16";
  /// Told of what an operator should know of; the engine's thread.
  std::function<void(const Error&)> warn = {};
  int64_t inbox_bytes = int64_t{64} << 20;
  double lease_s = 120;
  int64_t max_sessions = 4096;
  int64_t max_waiting = 1024;  // Finish requests; those beyond are told Busy
  bool fills_prompts = true;   // while nobody waits
  ContextHistograms histograms = {};
};

struct ContextSnapshot {
  int64_t sessions = 0;
  int64_t contexts = 0;  // of them, those with pages
  int64_t waiting = 0;   // Finish requests
  int64_t batch = 0;     // sessions in the last step
  int64_t states_bytes = 0;
  int64_t spilled_bytes = 0;
  int64_t kv_pages = 0;
  int64_t kv_pages_total = 0;
  int64_t steps = 0;
  int64_t segments = 0;      // of all steps
  int64_t layer_tokens = 0;  // the engine's own count of what it ran
  int64_t tokens = 0;        // answered
  int64_t nacks = 0;         // ranges and whole sessions that were asked for again
  int64_t resumes = 0;       // of them, whole sessions
  int64_t evictions = 0;     // sessions that lost their pages to others
  int64_t restored = 0;      // sessions whose states came back from where they were put aside
  int64_t shed = 0;          // sessions that lost all because the process was out of memory
  int64_t busy = 0;
  int64_t late = 0;         // Finish requests whose deadline passed
  int64_t told_tokens = 0;  // of texts that devices have kept here
  double engine_s = 0;
  double finish_s = 0;  // of all tokens, from the question to the answer
};

/// A Finish that waits.
struct FinishRequest {
  FinishMessage finish;
  double arrived_s = 0;
  double deadline_s = 0;  // of the clock
  double engine_s = 0;    // of the steps it was part of
  uint64_t arrival = 0;
  bool was_shed = false;
};

struct LiveSession {
  runtime::Sequence sequence;
  std::shared_ptr<CollabConnection> connection;
  /// By position: of a device that drafts, several.
  std::map<int64_t, FinishRequest> requests = {};
  int64_t asked_again = -1;        // the gap that was last asked for begins there
  std::vector<int32_t> told = {};  // of the text, by a device that says it
  /// After the newest position that had any, while it has its pages: a prompt that was run ahead,
  /// or an answer that may have been lost.
  int64_t logits_position = -1;
  std::vector<float> logits = {};
};

/// One thread.
class ContextSessions {
 public:
  using Live = std::map<SessionKey, LiveSession>;  // those that said more than hello

  /// Counts in `counters`. All that is named must outlive it.
  ContextSessions(runtime::Decoder& decoder, const SplitIdentity& split, const CollabLimits& limits,
                  const ContextManagerOptions& options, const Clock& clock,
                  ContextSnapshot& counters);

  /// What came of a device. Where memory does not suffice for it, its session is shed.
  void take(CollabEvent& event);
  /// What nobody waits for any more goes, and sessions whose lease is over.
  void end_leases();
  /// Pins the sessions that are waited for, as many as there are pages for; the least served
  /// tenant's first, so that those whose contexts must come and go do it one after another.
  void admit();
  /// Pages for a pinned session's positions below `end`; others lose theirs.
  void make_room(const SessionKey& key, int64_t end);
  /// After the last position that can be answered: it is asked for, its states are there, its pages
  /// pinned. 0: none.
  int64_t asked_end(Live::const_iterator session);
  /// From the logits [vocab] of the position that is asked for.
  void answer(LiveSession& live, const FinishRequest& request, std::span<const float> logits);
  void drop_request(Live::iterator session, int64_t position);
  /// It could not be served.
  void fail(Live::iterator session, const Error& error);
  /// There is no memory to serve it: what is kept of it goes. A request that waits begins again
  /// with all states of its session, or is told Busy where it did before.
  void shed(Live::iterator session);
  /// The same with the session that takes most; false where none has anything.
  bool shed_largest();
  void observe_step(double engine_s) { step_s_.add(engine_s); }

  Live& live() { return live_; }
  ContextStore& store() { return store_; }
  FairShare& fair() { return fair_; }

 private:
  void take_in(CollabEvent& event);
  void refuse(CollabEvent& event);
  void tell_busy(const LiveSession& live, const FinishMessage& finish, double retry_after_s);
  void part(const std::shared_ptr<CollabConnection>& connection);
  void greet(const std::shared_ptr<CollabConnection>& connection, const HelloMessage& hello);
  bool enter(Live::iterator session, const TextBranch& branch);
  void ask(Live::iterator session, const FinishMessage& finish);
  bool refuses(const LiveSession& live, const FinishMessage& finish);
  bool pin(Live::const_iterator session);
  void ask_again(Live::iterator session);
  static void keep_tokens(LiveSession& live, const TokensMessage& tokens);
  void drop_requests(Live::iterator session);
  void forget(Live::iterator session);
  double expected_wait_s() const;

  runtime::Decoder& decoder_;
  const SplitIdentity& split_;
  const CollabLimits& limits_;
  const ContextManagerOptions& options_;
  const Clock& clock_;
  ContextSnapshot& counters_;
  ContextHistograms histograms_;
  ContextStore store_;
  Live live_;
  std::map<CollabConnection*, SessionKey> sessions_of_;
  FairShare fair_;
  uint64_t arrivals_ = 0;
  Ewma step_s_;
};

}  // namespace verge::serve
