#pragma once
// EdgeLinks: a link for each conversation of a device, and one more that is connected ahead, so
// that who begins one does not wait for the handshake. Sessions never share a link: a token that
// comes late would be taken for another's.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/collab/cloud_link.hpp>

namespace verge::serve {

struct EdgeLink {
  std::unique_ptr<CloudLink> link = {};
  double since_s = 0;  // it has been connecting, or connected
};

/// One thread.
class EdgeLinks {
 public:
  using Make = std::function<std::unique_ptr<CloudLink>()>;

  /// `make`: a link with a session of its own; null: there is no server. The clock must outlive it.
  EdgeLinks(Make make, const Clock& clock);

  /// The one that was connected ahead; another takes its place. Null without a server.
  EdgeLink take();
  /// Ends it, which may take as long as a connection attempt: on a thread of its own.
  void drop(EdgeLink link);

 private:
  EdgeLink connect() const;
  void run(const std::stop_token& stop);

  const Make make_;
  const Clock& clock_;
  EdgeLink spare_;
  std::mutex mutex_;  // of those to be ended
  std::condition_variable_any changed_;
  std::vector<EdgeLink> dropped_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace verge::serve
