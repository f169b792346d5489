#include <verge/cli/collab_server.hpp>
#include <verge/cli/emulated_link.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/engine/model/split_facts.hpp>
#include <verge/stages/serve/collab/text_service.hpp>

namespace verge::cli {

void CollabServerOptions::declare(Parser& parser) {
  parser.add_option("--collab", model,
                    "Finish the tokens of devices with this model, a file of `verge fit split`; a "
                    "whole model also answers text");
  parser.add_option("--collab-sessions", sessions, "Sequences of devices in one step").positive();
  parser.add_option("--collab-context", context, "Most tokens of one; 0: the model's own")
      .not_negative();
  threads.declare(parser);
}

// The whole model, for mode cloud: it runs apart from the upper layers, by the server's scheduler.
class CollabServer::TextAnswers {
 public:
  TextAnswers(const std::string& path, const CollabServerOptions& options, int threads,
              const CollabModel& upper, const Clock& clock)
      : models_({served(path, options)}, clock, {.threads = threads}),
        scheduler_(models_, clock, {}),
        service_(scheduler_, kTextService, upper.split,
                 {.width = upper.split.width,
                  .vocab = upper.model->decoder().vocab,
                  .context = upper.model->decoder().context}),
        engine_([this](std::stop_token stop) { scheduler_.run(stop); }) {}

  serve::TextService& service() { return service_; }

 private:
  static serve::ServedModel served(const std::string& path, const CollabServerOptions& options) {
    serve::ServedModel model{.name = kTextService, .path = path};
    model.load.context = options.context;
    model.load.max_sequences = options.sessions;
    return model;
  }

  serve::ModelPool models_;
  serve::Scheduler scheduler_;
  serve::TextService service_;
  std::jthread engine_;
};

CollabServer::CollabServer(std::unique_ptr<ThreadPool> pool, CollabModel model,
                           std::optional<net::LinkTrace> link)
    : pool_(std::move(pool)), model_(std::move(model)), link_(std::move(link)) {}

Result<std::unique_ptr<CollabServer>> CollabServer::start(const CollabServerOptions& options,
                                                          std::optional<net::LinkTrace> link) {
  VERGE_TRY(auto pool, options.threads.make_pool());
  const int threads = pool->size();
  VERGE_TRY(const std::string path, model_path(options.model));
  model::LoadOptions load;
  load.context = options.context;
  load.max_sequences = options.sessions;
  load.max_outputs = options.sessions;
  VERGE_TRY(CollabModel model, load_collab(path, CollabEnd::Server, load, *pool));
  std::unique_ptr<CollabServer> server(
      new CollabServer(std::move(pool), std::move(model), std::move(link)));
  const CollabModel& upper = server->model_;
  VERGE_TRY(server->manager_,
            serve::ContextManager::create(*upper.model, upper.split, server->clock_));
  VERGE_TRY(const auto split, model::read_split(upper.model->source()));
  if (!split) {
    server->text_ = std::make_unique<TextAnswers>(path, options, threads, upper, server->clock_);
  }
  server->engine_ = std::jthread(
      [manager = server->manager_.get()](std::stop_token stop) { manager->run(stop); });
  return server;
}

CollabServer::~CollabServer() = default;

void CollabServer::add_services(fleet::Services& services) {
  const auto add = [&](const char* name, auto& end) {
    services.emplace(
        name, [this, &end](const net::CertificateFacts& peer, std::unique_ptr<Channel> channel) {
          const auto shaped = shape(std::move(channel), link_, clock_);
          // What a device did wrong it was told.
          if (shaped) (void)end.serve(**shaped, {.tenant = peer.fleet, .device = peer.node});
        });
  };
  add(kCollabService, *manager_);
  if (text_) add(kTextService, text_->service());
}

}  // namespace verge::cli
