#pragma once
// Service: the HTTP interface of a scheduler: OpenAI's routes, Ollama's, and Verge's own.
//
//   Service service({models, scheduler, gate, metrics, clock}, {.version = "0.1.0", ...});
//   http::Router router;
//   service.add_routes(router);
//   http::ServerOptions options;
//   service.configure(options);          // admission, the shape of refusals
//   ... every fifth of a second: service.tick();
//
// Routes may run on any thread.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/platform/http/options.hpp>
#include <verge/platform/http/router.hpp>
#include <verge/stages/serve/api/exchange.hpp>
#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/job.hpp>
#include <verge/stages/serve/api/json_fields.hpp>
#include <verge/stages/serve/api/local_origin.hpp>
#include <verge/stages/serve/api/model_directory.hpp>
#include <verge/stages/serve/api/openai_request.hpp>
#include <verge/stages/serve/api/service_metrics.hpp>
#include <verge/stages/serve/api/task_thread.hpp>
#include <verge/stages/serve/scheduler/scheduler.hpp>

namespace verge::serve::api {

struct ServiceParts {
  ModelPool& models;
  Scheduler& scheduler;
  Gate& gate;
  ServiceMetrics& metrics;
  const Clock& clock;
};

struct ServiceOptions {
  std::string version;
  std::function<int64_t()> unix_time_s;      // for `created` and templates that write the date
  std::function<uint64_t()> random;          // seeds of requests that give none
  int64_t memory_limit_bytes = 0;            // 0: none
  size_t grammar_bytes = size_t{256} << 20;  // of compiled grammars that are kept
  bool local_only = false;  // refuse what a foreign page makes a browser of this machine ask
  std::vector<std::string> origins = {};  // whose pages may ask nevertheless; "*" is any
  std::function<http::Response(const http::Request&)> index = {};  // the page at "/", if any
};

enum class Readiness { Loading, Ready, Draining };

class Service {
 public:
  Service(ServiceParts parts, ServiceOptions options);

  void add_routes(http::Router& router);
  /// Refuses requests without a key before their bodies are read; gives refusals their shape.
  void configure(http::ServerOptions& options);

  /// From Draining there is no way back: but for /health and /metrics, requests get 503.
  void set_readiness(Readiness readiness, std::string reason = {});
  /// Ends what runs, and what waits to be read: its clients are told that the server stops.
  void end_all();
  /// Drops requests that are still being read; when no network thread is left, and before the
  /// scheduler stops.
  void stop_reading();
  /// Several times a second: reads keys that changed, and ends what revoked keys have running.
  /// Fails when the key file cannot be read any more; the keys stay as they were. `read_keys`: also
  /// when the file looks unchanged.
  Status tick(bool read_keys = false);
  /// Brings a model into memory by an answer of no tokens; `then` runs on the engine's thread.
  void load(const std::string& model, std::function<void(const Status&)> then);

  // For the routes.
  void generate(Exchange exchange, GenerationRequest request, bool chat);
  void embed(Exchange exchange, EmbeddingRequest request, bool legacy);
  const ServiceParts& parts() const { return parts_; }
  const ServiceOptions& options() const { return options_; }
  ModelDirectory& directory() { return directory_; }
  double started_s() const { return started_s_; }
  int64_t started_unix_s() const { return started_unix_s_; }
  std::pair<Readiness, std::string> readiness() const;
  /// Of the model that the body's field "model" names, or the only one; null after an answer.
  std::shared_ptr<const ModelEntry> open_model(Exchange& exchange, Fields& fields);
  using Route = void (*)(Service&, Exchange);
  /// A route for callers with a key.
  void add_route(http::Router& router, std::string_view method, std::string_view path, Route route);
  /// Patterns of the routes for callers with a key.
  const std::set<std::string, std::less<>>& guarded_paths() const { return guarded_paths_; }

 private:
  bool is_guarded(std::string_view path) const;
  http::Handler guarded(Route route);
  std::optional<http::Response> admit(const http::Request& request) const;
  /// Hands a job over to the scheduler by `submit`, so that a revocation of its key ends it.
  void run(const std::shared_ptr<Revocable>& job, const std::function<void()>& submit);
  void add_rate_headers(Exchange& exchange) const;
  bool is_draining() const;
  void dispatch(Route route, Exchange exchange);

  ServiceParts parts_;
  ServiceOptions options_;
  ModelDirectory directory_;
  double started_s_;
  int64_t started_unix_s_;
  std::set<std::string, std::less<>> guarded_paths_;

  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<Revocable>> jobs_;
  Readiness readiness_ = Readiness::Loading;
  std::string reason_ = "starting";
  std::atomic<bool> has_ended_all_{false};
  TaskThread medium_, large_;  // last: they use the rest
};

void add_openai_routes(Service& service, http::Router& router);
void add_ollama_routes(Service& service, http::Router& router);
void add_server_routes(Service& service, http::Router& router);
void add_alias_routes(Service& service, http::Router& router);
void add_token_routes(Service& service, http::Router& router);

}  // namespace verge::serve::api
