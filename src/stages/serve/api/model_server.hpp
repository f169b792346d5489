#pragma once
// ModelServer: models, scheduler, access and HTTP put together: what `verge serve` runs.
//
//   VERGE_TRY(auto server, ModelServer::start(options, clock));
//   while (!stopped) { sleep; server->tick(); }
//   server->drain(30);
//   server->wait();

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/platform/http/options.hpp>
#include <verge/platform/http/server.hpp>
#include <verge/stages/serve/api/service.hpp>
#include <verge/stages/serve/scheduler/scheduler.hpp>

namespace verge::serve::api {

struct ModelServerOptions {
  std::vector<ServedModel> models;
  bool load_at_start = true;            // else each when it is asked for
  std::vector<std::string> notes = {};  // for the log: what is not as one may expect
  ModelPoolOptions pool;
  SchedulerOptions scheduler;
  http::Listen listen;
  http::ServerOptions http;  // limits, origins, threads, on_access
  ServiceOptions service;
  std::string key_file;         // empty: no keys, and then only this machine is served
  std::string usage_file = {};  // used tokens of keys outlive the server here; empty: nowhere
  bool insecure = false;        // without keys for everybody who reaches the address
  std::function<void(http::Router&)> add_pages = {};  // the web interface
};

class ModelServer {
 public:
  /// Checks every model's file, reads the keys, listens, starts the threads and begins to load.
  /// Fails as ModelPool::face, KeyFile::load and http::Server::listen do; Denied for an address
  /// beyond this machine without keys.
  static Result<std::unique_ptr<ModelServer>> start(ModelServerOptions options, const Clock& clock);
  /// Cuts what is still open.
  ~ModelServer();
  ModelServer(const ModelServer&) = delete;
  ModelServer& operator=(const ModelServer&) = delete;

  const http::Endpoint& endpoint() const;
  ModelDirectory& directory();
  Scheduler& scheduler();
  int connections() const;

  /// Several times a second. Fails when the key file cannot be read any more, once for each change,
  /// and when used tokens cannot be saved, once until they can.
  Status tick();
  /// Reads the keys again, changed or not.
  Status reload_keys();
  /// Requests are refused with 503 from here on, running answers have this long; tick() then ends
  /// those that are left. 0 cuts them at once. Returns at once.
  void drain(double deadline_s);
  /// Until drain() is done.
  void wait();
  bool has_ended() const;

 private:
  struct State;
  explicit ModelServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Whether only this machine reaches the address: 127.0.0.0/8, ::1, localhost, a local socket.
bool is_loopback(const http::Listen& listen);
/// Most tokens of a cache of so many bytes.
int64_t kv_tokens_of(const ModelFace& face, DType kv_dtype, int64_t bytes);

}  // namespace verge::serve::api
