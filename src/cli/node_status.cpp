#include <verge/cli/node_status.hpp>
#include <verge/cli/web_pages.hpp>
#include <verge/core/machine.hpp>
#include <verge/stages/serve/api/local_origin.hpp>
#include <verge/stages/serve/api/model_server.hpp>

namespace verge::cli {
namespace {

// A page elsewhere that a browser here was led to must not read what only this machine may.
http::ServerOptions server_options(const NodeStatusOptions& options, NodeMetrics& metrics) {
  http::ServerOptions http;
  http.metrics = &metrics.registry();
  if (!serve::api::is_loopback({.host = options.host})) return http;
  http.admit = [](const http::Request& request) -> std::optional<http::Response> {
    if (serve::api::is_local(request, {})) return std::nullopt;
    return http::text_response(403, "this address serves this machine alone: --metrics-host\n");
  };
  return http;
}

Json contexts_json(const NodeFacts& facts, const serve::ContextSnapshot& now) {
  return {{"model", facts.model},
          {"sessions", now.sessions},
          {"contexts", now.contexts},
          {"waiting", now.waiting},
          {"batch", now.batch},
          {"kv", {{"pages", now.kv_pages_total}, {"used", now.kv_pages}}},
          {"states_bytes", now.states_bytes},
          {"states_limit_bytes", facts.plan.states_bytes},
          {"spilled_bytes", now.spilled_bytes},
          {"planned_bytes", facts.plan.total()},
          {"steps", now.steps},
          {"segments", now.segments},
          {"tokens", now.tokens},
          {"layer_tokens", now.layer_tokens},
          {"evictions", now.evictions},
          {"nacks", now.nacks},
          {"resumes", now.resumes},
          {"restored", now.restored},
          {"shed", now.shed},
          {"busy", now.busy},
          {"late", now.late},
          {"engine_s", now.engine_s},
          {"finish_s", now.finish_s}};
}

}  // namespace

NodeMetrics::NodeMetrics(const std::string& model) {
  if (!model.empty()) contexts_.emplace(registry_, model);
}

serve::ContextHistograms NodeMetrics::histograms() const {
  return contexts_ ? contexts_->histograms() : serve::ContextHistograms();
}

std::string NodeMetrics::text(const NodeFacts& facts, const NodeLoad& load) {
  const auto gauge = [&](const char* name, const char* help, int64_t value) {
    registry_.gauge(name, help).set(static_cast<double>(value));
  };
  gauge("verge_process_resident_bytes", "Resident memory of the process.", resident_bytes());
  gauge("verge_node_channels", "Channels of services that are open.", load.channels.channels);
  gauge("verge_node_peers", "Nodes at their other ends.", load.channels.peers);
  gauge("verge_node_paused", "1 while work is refused.", load.activity != "running");
  gauge("verge_certificate_expiry_timestamp_seconds", "When the node's certificate ends.",
        facts.certificate_until_unix_s);
  const auto bytes = [&](const char* direction, int64_t now, int64_t before) {
    registry_
        .counter("verge_node_bytes_total", "Bytes of channels of services by direction.",
                 {{"direction", direction}})
        .add(static_cast<double>(now - before));
  };
  const ChannelCounters& now = load.channels.counters;
  bytes("sent", now.bytes_sent, seen_.bytes_sent);
  bytes("received", now.bytes_received, seen_.bytes_received);
  seen_ = now;
  if (contexts_) {
    registry_
        .gauge("verge_model_memory_bytes", "Planned memory: weights, cache and activations.",
               {{"model", facts.model}})
        .set(static_cast<double>(facts.plan.model.total()));
    contexts_->update(load.contexts);
  }
  return registry_.text();
}

Json node_json(const NodeFacts& facts, const NodeLoad& load, double uptime_s) {
  Json json = {{"node", facts.node},
               {"fleet", facts.fleet},
               {"role", facts.role},
               {"activity", load.activity},
               {"uptime_s", uptime_s},
               {"rss_bytes", resident_bytes()},
               {"certificate_until_unix_s", facts.certificate_until_unix_s},
               {"channels", load.channels.channels},
               {"peers", load.channels.peers},
               {"bytes_sent", load.channels.counters.bytes_sent},
               {"bytes_received", load.channels.counters.bytes_received}};
  json["collab"] = facts.model.empty() ? Json() : contexts_json(facts, load.contexts);
  return json;
}

void NodeStatusOptions::declare(Parser& parser) {
  parser.add_option("--metrics-port", port,
                    "Port of /metrics, /api/node and the page of this node; -1: none");
  parser.add_option("--metrics-host", host, "Address of that port");
}

NodeStatus::NodeStatus(const NodeStatusOptions& options, const NodeFacts& facts,
                       NodeMetrics& metrics, Read read, const Clock& clock)
    : facts_(facts),
      metrics_(metrics),
      read_(std::move(read)),
      clock_(clock),
      started_s_(clock.seconds()),
      server_(routes(), server_options(options, metrics), clock) {}

void NodeStatus::home(const http::Request& request, http::ResponseWriter writer) const {
  const bool is_browser =
      request.headers.value("Accept").find("text/html") != std::string_view::npos;
  if (!is_browser || !web_index()) {
    return writer.respond(http::text_response(200, fmt::format("{} is running\n", facts_.node)));
  }
  http::Response to_page{.status = 302};
  to_page.headers.set("Location", "/index.html#/node");
  writer.respond(std::move(to_page));
}

http::Router NodeStatus::routes() {
  http::Router router;
  router.add("GET", "/", [this](const http::Request& request, http::ResponseWriter writer) {
    home(request, std::move(writer));
  });
  router.add("GET", "/health", [](const http::Request&, http::ResponseWriter writer) {
    writer.respond(http::json_response(200, Json{{"status", "ok"}}.dump()));
  });
  router.add("GET", "/metrics", [this](const http::Request&, http::ResponseWriter writer) {
    http::Response response = http::text_response(200, metrics_.text(facts_, read_()));
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    writer.respond(std::move(response));
  });
  router.add("GET", "/api/node", [this](const http::Request&, http::ResponseWriter writer) {
    const Json json = node_json(facts_, read_(), clock_.seconds() - started_s_);
    writer.respond(
        http::json_response(200, json.dump(-1, ' ', false, Json::error_handler_t::replace)));
  });
  add_web_pages(router);
  return router;
}

Result<std::unique_ptr<NodeStatus>> NodeStatus::start(const NodeStatusOptions& options,
                                                      const NodeFacts& facts, NodeMetrics& metrics,
                                                      Read read, const Clock& clock) {
  if (options.port < 0) return std::unique_ptr<NodeStatus>();
  if (options.port > 65535) {
    return make_error(Code::InvalidArgument, "--metrics-port {}: ports end at 65535", options.port);
  }
  std::unique_ptr<NodeStatus> status(
      new NodeStatus(options, facts, metrics, std::move(read), clock));
  VERGE_TRY(
      status->endpoint_,
      status->server_.listen({.host = options.host, .port = static_cast<uint16_t>(options.port)}));
  status->network_ = std::thread([&server = status->server_] { (void)server.run().ok(); });
  return status;
}

NodeStatus::~NodeStatus() {
  if (!network_.joinable()) return;
  server_.stop(0);
  network_.join();
}

}  // namespace verge::cli
