#include <sys/resource.h>

#include <verge/cli/collab_server.hpp>
#include <verge/cli/emulated_link.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/engine/model/split_facts.hpp>
#include <verge/stages/serve/collab/text_service.hpp>

namespace verge::cli {
namespace {

Result<model::LoadOptions> load_options(const CollabServerOptions& options) {
  model::LoadOptions load;
  load.context = options.context;
  load.max_sequences = options.sessions;
  VERGE_TRY(load.slowdown, options.speed.read());
  return load;
}

// Each session that is put aside has a file open.
void allow_many_files() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<serve::ContextManagerOptions> manager_options(const CollabServerOptions& options) {
  serve::ContextManagerOptions manager;
  manager.spill_folder = options.spill_folder;
  manager.spill_codec = options.spill_codec;
  VERGE_TRY(manager.spill_bytes, size_option("--spill-bytes", options.spill_bytes));
  if (options.spill_folder.empty()) return manager;
  // A folder that is none is said now, not with the first session that would go there.
  VERGE_TRY([[maybe_unused]] const ScratchFile tried, ScratchFile::create(options.spill_folder));
  allow_many_files();
  return manager;
}

}  // namespace

void CollabServerOptions::declare(Parser& parser) {
  parser.add_option("--collab", model,
                    "Finish the tokens of devices with this model, a file of `verge fit split`; a "
                    "whole model also answers text");
  parser.add_option("--collab-sessions", sessions, "Sequences of devices in one step").positive();
  parser.add_option("--collab-context", context, "Most tokens of one; 0: the model's own")
      .not_negative();
  parser.add_option("--mem", memory,
                    "Most memory for texts of devices, keys and values and states: 512M");
  parser.add_option("--spill", spill_folder,
                    "Folder for states of sessions that others put out of memory");
  parser.add_option("--spill-bytes", spill_bytes, "Most bytes there");
  parser.add_option("--spill-codec", spill_codec, "How states are kept there")
      .one_of({"f32", "f16", "int8"});
  threads.declare(parser);
  speed.declare(parser);
}

// The whole model, for mode cloud: it runs apart from the upper layers, by the server's scheduler.
class CollabServer::TextAnswers {
 public:
  TextAnswers(const std::string& path, model::LoadOptions load, int threads,
              const CollabModel& upper, const Clock& clock)
      : models_({{.name = kTextService, .path = path, .load = std::move(load)}}, clock,
                {.threads = threads}),
        scheduler_(models_, clock, {}),
        service_(scheduler_, kTextService, upper.split,
                 {.width = upper.split.width,
                  .vocab = upper.model->decoder().vocab,
                  .context = upper.model->decoder().context},
                 clock),
        engine_([this](std::stop_token stop) { scheduler_.run(stop); }) {}

  serve::TextService& service() { return service_; }
  serve::Snapshot snapshot() const { return scheduler_.snapshot(); }

 private:
  serve::ModelPool models_;
  serve::Scheduler scheduler_;
  serve::TextService service_;
  std::jthread engine_;
};

CollabServer::CollabServer(std::unique_ptr<ThreadPool> pool, CollabModel model,
                           const ContextPlan& plan, std::optional<net::LinkTrace> link)
    : pool_(std::move(pool)), model_(std::move(model)), plan_(plan), link_(std::move(link)) {}

Result<std::unique_ptr<CollabServer>> CollabServer::start(const CollabServerOptions& options,
                                                          Surroundings surroundings) {
  VERGE_TRY(auto pool, options.threads.make_pool());
  const int threads = pool->size();
  VERGE_TRY(const std::string path, model_path(options.model));
  VERGE_TRY(serve::ContextManagerOptions manager, manager_options(options));
  VERGE_TRY(const int64_t budget, size_option("--mem", options.memory));
  VERGE_TRY(model::LoadOptions load, load_options(options));
  model::LoadOptions upper_load = load;
  upper_load.max_outputs = options.sessions;
  VERGE_TRY(upper_load.layers, collab_layers(path, CollabEnd::Server));
  VERGE_TRY(const ContextPlan plan, plan_contexts(path, upper_load, budget, manager.states_bytes));
  load.kv_tokens = upper_load.kv_tokens = plan.kv_tokens;
  manager.states_bytes = plan.states_bytes;
  manager.histograms = surroundings.histograms;
  manager.warn = std::move(surroundings.warn);
  VERGE_TRY(CollabModel model, load_collab(path, CollabEnd::Server, upper_load, *pool));
  std::unique_ptr<CollabServer> server(
      new CollabServer(std::move(pool), std::move(model), plan, std::move(surroundings.link)));
  const CollabModel& upper = server->model_;
  VERGE_TRY(server->manager_, serve::ContextManager::create(*upper.model, upper.split,
                                                            server->clock_, std::move(manager)));
  VERGE_TRY(const auto split, model::read_split(upper.model->source()));
  if (!split) {
    server->text_ = std::make_unique<TextAnswers>(path, load, threads, upper, server->clock_);
  }
  server->engine_ =
      std::jthread([engine = server->manager_.get()](std::stop_token stop) { engine->run(stop); });
  return server;
}

CollabServer::~CollabServer() = default;

void CollabServer::add_services(fleet::Services& services, net::ChannelBook& channels) {
  const auto add = [&](const char* name, auto& end) {
    services.emplace(name, [this, &channels, &end](const net::CertificateFacts& peer,
                                                   std::unique_ptr<Channel> channel) {
      const auto shaped = shape(std::move(channel), link_, clock_);
      if (!shaped) return;
      const net::ChannelBook::Entry entry = channels.enter(**shaped, peer.node);
      // What a device did wrong it was told.
      (void)end.serve(**shaped, {.tenant = peer.fleet, .device = peer.node});
    });
  };
  add(kCollabService, *manager_);
  if (text_) add(kTextService, text_->service());
  services.emplace(fleet::kCountersService, fleet::counters_service([this] { return counters(); }));
}

fleet::NodeCounters CollabServer::counters() const {
  fleet::NodeCounters counters;
  const auto set = [&](const char* name, auto value) {
    counters[name] = static_cast<double>(value);
  };
  const serve::ContextSnapshot upper = manager_->snapshot();
  set("collab.sessions", upper.sessions);
  set("collab.steps", upper.steps);
  set("collab.segments", upper.segments);
  set("collab.layer_tokens", upper.layer_tokens);
  set("collab.tokens", upper.tokens);
  set("collab.nacks", upper.nacks);
  set("collab.evictions", upper.evictions);
  set("collab.busy", upper.busy);
  set("collab.engine_s", upper.engine_s);
  set("collab.slow", model_.model->decoder().slowdown.factor);
  if (!text_) return counters;
  for (const serve::ModelSnapshot& model : text_->snapshot().models) {
    set("text.steps", model.steps);
    set("text.layer_tokens", model.layer_tokens);
    set("text.tokens", model.decode_tokens);
    set("text.cached_tokens", model.cached_tokens);
    set("text.preemptions", model.preemptions);
    set("text.engine_s", model.engine_s);
  }
  return counters;
}

}  // namespace verge::cli
