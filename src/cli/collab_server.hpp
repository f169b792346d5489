#pragma once
// What `verge node start --collab MODEL` runs for devices of the fleet: the upper layers of a split
// model, and of a whole model also its answers to text that is sent up.

#include <thread>

#include <verge/cli/collab_model.hpp>
#include <verge/core/clock.hpp>
#include <verge/platform/fleet/node_host.hpp>
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
  ThreadOptions threads;

  void declare(Parser& parser);
};

class CollabServer {
 public:
  /// `link`: what the way to devices is made to be; nothing for the real one.
  static Result<std::unique_ptr<CollabServer>> start(const CollabServerOptions& options,
                                                     std::optional<net::LinkTrace> link);
  ~CollabServer();

  void add_services(fleet::Services& services);

 private:
  class TextAnswers;
  CollabServer(std::unique_ptr<ThreadPool> pool, CollabModel model,
               std::optional<net::LinkTrace> link);

  const SystemClock clock_;
  const std::unique_ptr<ThreadPool> pool_;
  const CollabModel model_;
  const std::optional<net::LinkTrace> link_;
  std::unique_ptr<serve::ContextManager> manager_;
  std::unique_ptr<TextAnswers> text_;  // of a whole model
  std::jthread engine_;
};

}  // namespace verge::cli
