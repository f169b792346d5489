#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include <verge/stages/serve/api/model_server.hpp>

namespace verge::serve::api {
namespace {

constexpr double kSaveS = 1;  // between two times that used tokens are saved

}  // namespace

// In the order of construction: each uses those above it.
struct ModelServer::State {
  State(ModelServerOptions given, std::unique_ptr<Gate> access, const Clock& time)
      : clock(time),
        options(std::move(given)),
        gate(std::move(access)),
        metrics(registry, clock),
        pool(options.models, clock, options.pool),
        scheduler(
            pool, clock, options.scheduler,
            [this](const Request& request, const End& end) { metrics.on_end(request.model, end); }),
        service({pool, scheduler, *gate, metrics, clock}, options.service) {}

  void load_all();
  Status open_usage();
  Status save_usage();
  void make_server();

  const Clock& clock;
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
  std::unique_ptr<UsageFile> usage;
  std::map<std::string, KeyUsage> unsaved_usage;
  double usage_saved_s = 0;
  bool usage_has_failed = false;
  std::optional<double> drain_end_s;  // when answers that still run are ended
};

// One after the other; the service is ready with the first.
void ModelServer::State::load_all() {
  if (!options.load_at_start) return service.set_readiness(Readiness::Ready);
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

Status ModelServer::State::open_usage() {
  if (options.key_file.empty() || options.usage_file.empty()) return {};
  VERGE_TRY(usage, UsageFile::open(options.usage_file));
  VERGE_TRY(const std::vector<KeyUsage> used, usage->load());
  gate->restore(used, options.service.unix_time_s());
  return {};
}

// What was used since the last time; an error is passed on once until it is over.
Status ModelServer::State::save_usage() {
  if (usage == nullptr) return {};
  const int64_t unix_s = options.service.unix_time_s();
  for (KeyUsage& key : gate->take_usage(unix_s)) unsaved_usage[key.id] = key;
  usage_saved_s = clock.seconds();
  if (unsaved_usage.empty()) return {};
  std::vector<KeyUsage> usages;
  for (const auto& [id, key] : unsaved_usage) usages.push_back(key);
  const Status status = usage->save(usages, unix_s);
  if (status) unsaved_usage.clear();
  const bool is_known = std::exchange(usage_has_failed, !status);
  if (status || is_known) return {};
  return make_error(status.error().code, "used tokens of keys are not saved: {}",
                    status.error().message);
}

void ModelServer::State::make_server() {
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
  VERGE_RETURN_IF_ERROR(state->open_usage());
  state->make_server();
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
  if (state_->drain_end_s && state_->clock.seconds() >= *state_->drain_end_s) {
    state_->service.end_all();  // at each further tick, too: requests that were still being read
  }
  VERGE_RETURN_IF_ERROR(state_->service.tick());
  const bool saves = state_->clock.seconds() - state_->usage_saved_s >= kSaveS;
  return saves ? state_->save_usage() : Status();
}

Status ModelServer::reload_keys() {
  return state_->service.tick(true);
}

void ModelServer::drain(double deadline_s) {
  state_->service.set_readiness(Readiness::Draining, "the server is stopping");
  const double end_s = state_->clock.seconds() + deadline_s;
  state_->drain_end_s = std::min(state_->drain_end_s.value_or(end_s), end_s);
  // Clients of answers that the drain ends are to read why.
  const double farewell_s = state_->options.http.limits.farewell_s;
  state_->server->stop(deadline_s > 0 ? deadline_s + farewell_s : 0);
}

void ModelServer::wait() {
  if (state_->network.joinable()) state_->network.join();
  state_->service.stop_reading();
  state_->engine.request_stop();
  if (state_->engine.joinable()) state_->engine.join();
  if (const Status saved = state_->save_usage(); !saved && state_->options.scheduler.warn) {
    state_->options.scheduler.warn(saved.error());
  }
}

bool ModelServer::has_ended() const {
  return state_->ended;
}

}  // namespace verge::serve::api
