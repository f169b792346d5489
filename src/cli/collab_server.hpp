#pragma once
// What `verge node start --collab MODEL` runs for devices of the fleet: the upper layers of a split
// model, and of a whole model also its answers to text that is sent up.

#include <thread>

#include <verge/cli/collab_memory.hpp>
#include <verge/cli/collab_model.hpp>
#include <verge/cli/emulated_speed.hpp>
#include <verge/core/clock.hpp>
#include <verge/platform/fleet/node_counters.hpp>
#include <verge/platform/fleet/node_host.hpp>
#include <verge/platform/net/channel_book.hpp>
#include <verge/platform/net/link/link_trace.hpp>
#include <verge/stages/serve/collab/context_manager.hpp>

namespace verge::cli {

/// Names of the services.
inline constexpr const char* kCollabService = "collab";
inline constexpr const char* kTextService = "collab-text";

struct CollabServerOptions {
  std::string model;  // empty: none
  int64_t sessions = 16;
  int64_t context = 0;
  std::string memory;
  std::string spill_folder;
  std::string spill_bytes = "4G";
  std::string spill_codec = "f16";
  ThreadOptions threads;
  EmulatedSpeedOptions speed;

  void declare(Parser& parser);
};

class CollabServer {
 public:
  struct Surroundings {
    std::optional<net::LinkTrace> link;  // what the way to devices is made to be
    serve::ContextHistograms histograms = {};
    std::function<void(const Error&)> warn = {};
  };
  /// Fails as loading the model does, and with OutOfMemory for a budget that is too small or more
  /// than there is.
  static Result<std::unique_ptr<CollabServer>> start(const CollabServerOptions& options,
                                                     Surroundings surroundings);
  ~CollabServer();

  /// Channels are entered in `channels`, which must outlive the services.
  void add_services(fleet::Services& services, net::ChannelBook& channels);
  const ContextPlan& plan() const { return plan_; }
  /// Any thread.
  serve::ContextSnapshot snapshot() const { return manager_->snapshot(); }
  /// Any thread. "collab.*": of the upper layers; "text.*": of the whole model, for mode cloud.
  fleet::NodeCounters counters() const;

 private:
  class TextAnswers;
  CollabServer(std::unique_ptr<ThreadPool> pool, CollabModel model, const ContextPlan& plan,
               std::optional<net::LinkTrace> link);

  const SystemClock clock_;
  const std::unique_ptr<ThreadPool> pool_;
  const CollabModel model_;
  const ContextPlan plan_;
  const std::optional<net::LinkTrace> link_;
  std::unique_ptr<serve::ContextManager> manager_;
  std::unique_ptr<TextAnswers> text_;  // of a whole model
  std::jthread engine_;
};

}  // namespace verge::cli
