#pragma once
// NodeStatus: what a running node tells of itself over HTTP: /metrics for Prometheus, /api/node as
// JSON (docs/live.md), and the page that shows it.
//
//   NodeMetrics metrics(model);
//   VERGE_TRY(auto status, NodeStatus::start(options, facts, metrics, [&] { return load; },
//   clock));

#include <thread>

#include <verge/cli/collab_memory.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/parser.hpp>
#include <verge/platform/http/server.hpp>
#include <verge/platform/net/channel_book.hpp>
#include <verge/stages/serve/collab/context_metrics.hpp>

namespace verge::cli {

/// Does not change while the node runs.
struct NodeFacts {
  std::string node = {};
  std::string fleet = {};
  std::string role = {};
  int64_t certificate_until_unix_s = 0;
  std::string model = {};  // whose tokens it finishes for devices; "": none
  ContextPlan plan = {};   // of it
};

/// At one moment.
struct NodeLoad {
  std::string activity = {};
  net::ChannelTotals channels = {};
  serve::ContextSnapshot contexts = {};  // where there is a model
};

/// The series of one node. One thread.
class NodeMetrics {
 public:
  /// `model`: as in NodeFacts.
  explicit NodeMetrics(const std::string& model);

  telemetry::MetricsRegistry& registry() { return registry_; }
  serve::ContextHistograms histograms() const;
  /// All series, up to date.
  std::string text(const NodeFacts& facts, const NodeLoad& load);

 private:
  telemetry::MetricsRegistry registry_;
  std::optional<serve::ContextMetrics> contexts_;
  ChannelCounters seen_;
};

Json node_json(const NodeFacts& facts, const NodeLoad& load, double uptime_s);

struct NodeStatusOptions {
  std::string host = "127.0.0.1";
  int port = -1;  // -1: no status; 0: any free one

  void declare(Parser& parser);
};

class NodeStatus {
 public:
  using Read = std::function<NodeLoad()>;  // any thread

  /// Fails as http::Server::listen does. `metrics`, `clock` and what `read` names must outlive it.
  static Result<std::unique_ptr<NodeStatus>> start(const NodeStatusOptions& options,
                                                   const NodeFacts& facts, NodeMetrics& metrics,
                                                   Read read, const Clock& clock);
  ~NodeStatus();

  const http::Endpoint& endpoint() const { return endpoint_; }

 private:
  NodeStatus(const NodeStatusOptions& options, const NodeFacts& facts, NodeMetrics& metrics,
             Read read, const Clock& clock);
  http::Router routes();
  void home(const http::Request& request, http::ResponseWriter writer) const;

  const NodeFacts facts_;
  NodeMetrics& metrics_;
  const Read read_;
  const Clock& clock_;
  const double started_s_;
  http::Server server_;
  http::Endpoint endpoint_;
  std::thread network_;
};

}  // namespace verge::cli
