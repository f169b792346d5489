#pragma once
// TextService: mode Cloud's server, the base line of a split model: text comes up, tokens go down,
// and the whole model runs here, batched with all others by the scheduler.

#include <verge/stages/serve/collab/connection_inbox.hpp>
#include <verge/stages/serve/collab/protocol.hpp>
#include <verge/stages/serve/scheduler/scheduler.hpp>

namespace verge::serve {

class TextService {
 public:
  /// `model`: a name the scheduler serves, of the whole model of `split`. limits: vocab and context
  /// count.
  TextService(Scheduler& scheduler, std::string model, SplitIdentity split, CollabLimits limits,
              const Clock& clock)
      : scheduler_(scheduler),
        model_(std::move(model)),
        split_(std::move(split)),
        limits_(std::move(limits)),
        clock_(clock) {}

  /// Any thread. Answers one device's prompts until the channel is closed; then those that are not
  /// answered yet are cancelled.
  Status serve(Channel& channel, const CollabPeer& peer);

 private:
  Status take(const Message& message, const std::shared_ptr<CollabConnection>& connection,
              std::vector<RequestId>& requests);
  Status submit(const PromptMessage& prompt, const std::shared_ptr<CollabConnection>& connection,
                std::vector<RequestId>& requests);

  Scheduler& scheduler_;
  const std::string model_;
  const SplitIdentity split_;
  const CollabLimits limits_;
  const Clock& clock_;
};

}  // namespace verge::serve
