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
// there; what is missing is asked for at once. A device that drafts has several wait: they are
// answered in one run, each with the server's own token. A step that the process has no memory for
// is done by halves; a session that has none even alone loses what is kept of it, and the others go
// on.

#include <memory>
#include <stop_token>

#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/collab/context_sessions.hpp>
#include <verge/stages/serve/collab/segment_plan.hpp>

namespace verge::serve {

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
  using Live = ContextSessions::Live;
  struct Part {
    SegmentPart plan;
    Live::iterator session;
    std::vector<float> states;
  };

  ContextManager(model::LanguageModel& model, runtime::LayerPlans& layers, SplitIdentity split,
                 const Clock& clock, ContextManagerOptions options);

  std::vector<SegmentCandidate> candidates();
  std::vector<Part> parts_of(std::span<const SegmentPart> plan);
  bool run_step();
  void run(std::span<Part> parts);
  Status try_parts(std::span<const Part> parts);
  Status run_parts(std::span<const Part> parts);
  void finish(std::span<Part> parts);
  void finish(const Part& part, int64_t row);
  void answer_rows(LiveSession& live, int64_t newest, int64_t rows, int64_t row);
  void publish();

  runtime::Decoder& decoder_;
  runtime::LayerPlans& layers_;
  const SplitIdentity split_;
  const Clock& clock_;
  const ContextManagerOptions options_;
  ContextHistograms histograms_;
  const CollabLimits limits_;
  ConnectionInbox inbox_;
  ContextSnapshot counters_;
  ContextSessions sessions_;
  mutable std::mutex published_mutex_;
  ContextSnapshot published_;
};

}  // namespace verge::serve
