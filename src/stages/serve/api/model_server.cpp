#include <atomic>
#include <thread>

#include <verge/stages/serve/api/model_server.hpp>

namespace verge::serve::api {

// In the order of construction: each uses those above it.
struct ModelServer::State {
  State(ModelServerOptions given, std::unique_ptr<Gate> access, const Clock& clock)
      : options(std::move(given)),
        gate(std::move(access)),
        metrics(registry, clock),
        pool(options.models, clock, options.pool),
        scheduler(
            pool, clock, options.scheduler,
            [this](const Request& request, const End& end) { metrics.on_end(request.model, end); }),
        service({pool, scheduler, *gate, metrics, clock}, options.service) {}

  void load_all();
  void make_server(const Clock& clock);

  ModelServerOptions options;
  std::unique_ptr<Gate> gate;
  telemetry::MetricsRegistry registry;
  ServiceMetrics metrics;
  ModelPool pool;
  Scheduler scheduler;
  Service service;
  std::unique_ptr<http::Server> server;
  http::Endpoint endpoint;
  std::jthread engine;
  std::thread network;
  std::atomic<bool> ended{false};
};

// One after the other; the service is ready with the first.
void ModelServer::State::load_all() {
  for (const ServedModel& model : options.models) {
    service.load(model.name, [this, name = model.name](const Status& status) {
      if (status) {
        service.set_readiness(Readiness::Ready);
      } else if (service.readiness().first != Readiness::Ready) {
        if (options.scheduler.warn) options.scheduler.warn(status.error());
        service.set_readiness(Readiness::Loading, "no model could be loaded; the log says why");
      }
    });
  }
}

void ModelServer::State::make_server(const Clock& clock) {
  http::Router router;
  service.add_routes(router);
  if (options.add_pages) options.add_pages(router);
  http::ServerOptions http = options.http;
  http.metrics = &registry;
  service.configure(http);
  http.on_access = [this, log = options.http.on_access](const http::AccessRecord& record) {
    metrics.on_answer(record.target.substr(0, record.target.find('?')), record.status);
    if (log) log(record);
  };
  server = std::make_unique<http::Server>(std::move(router), std::move(http), clock);
}

bool is_loopback(const http::Listen& listen) {
  return !listen.unix_path.empty() || listen.host == "localhost" || listen.host == "::1" ||
         listen.host.starts_with("127.");
}

int64_t kv_tokens_of(const ModelFace& face, DType kv_dtype, int64_t bytes) {
  const nn::DecoderConfig& config = face.config;
  const int64_t values = config.layers * 2 * config.kv_heads * config.head_dim;
  return bytes / std::max<int64_t>(bytes_of(kv_dtype, values), 1);
}

Result<std::unique_ptr<ModelServer>> ModelServer::start(ModelServerOptions options,
                                                        const Clock& clock) {
  auto gate = std::make_unique<Gate>(clock);
  if (!options.key_file.empty()) {
    VERGE_TRY(KeyFile keys, KeyFile::load(options.key_file));
    gate = std::make_unique<Gate>(options.key_file, std::move(keys), clock);
  } else if (!options.insecure && !is_loopback(options.listen)) {
    return make_error(
        Code::Denied,
        "--host {}: other machines could use the models without a key; make keys with "
        "`verge key add keys.json` and give --api-keys keys.json, or say --insecure",
        options.listen.host);
  }
  options.service.local_only = options.key_file.empty() && !options.insecure;
  options.service.origins = options.http.cors.origins;
  auto state = std::make_unique<State>(std::move(options), std::move(gate), clock);
  for (const ServedModel& model : state->options.models) {
    auto face = state->pool.face(model.name);
    if (!face) return face.error();
  }
  state->make_server(clock);
  VERGE_TRY(state->endpoint, state->server->listen(state->options.listen));
  State& running = *state;
  running.engine = std::jthread([&running](std::stop_token stop) { running.scheduler.run(stop); });
  running.network = std::thread([&running] {
    (void)running.server->run().ok();
    running.ended = true;
  });
  running.load_all();
  return std::unique_ptr<ModelServer>(new ModelServer(std::move(state)));
}

ModelServer::ModelServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

ModelServer::~ModelServer() {
  state_->server->stop(0);
  wait();
}

const http::Endpoint& ModelServer::endpoint() const {
  return state_->endpoint;
}

ModelDirectory& ModelServer::directory() {
  return state_->service.directory();
}

Scheduler& ModelServer::scheduler() {
  return state_->scheduler;
}

int ModelServer::connections() const {
  return state_->server->connections();
}

Status ModelServer::tick() {
  return state_->service.tick();
}

Status ModelServer::reload_keys() {
  return state_->service.tick(true);
}

void ModelServer::drain(double deadline_s) {
  state_->service.set_readiness(Readiness::Draining, "the server is stopping");
  state_->server->stop(deadline_s);
}

void ModelServer::wait() {
  if (state_->network.joinable()) state_->network.join();
  state_->engine.request_stop();
  if (state_->engine.joinable()) state_->engine.join();
}

bool ModelServer::has_ended() const {
  return state_->ended;
}

}  // namespace verge::serve::api
