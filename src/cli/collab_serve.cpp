#include <algorithm>

#include <verge/cli/collab_serve.hpp>
#include <verge/cli/collab_server.hpp>
#include <verge/stages/serve/collab/edge_runner.hpp>

namespace verge::cli {

Status share_with_cloud(const CollabOptions& options, int64_t max_running,
                        serve::ServedModel& model) {
  VERGE_TRY(const serve::CollabMode mode, options.mode_or_default());
  if (mode == serve::CollabMode::Cloud) {
    return make_error(Code::InvalidArgument,
                      "--mode cloud runs nothing here; have clients ask the server that has the "
                      "whole model (`verge serve` there)");
  }
  VERGE_TRY(model.load.layers, collab_layers(model.path, CollabEnd::Device));
  model.load.max_sequences = std::max(model.load.max_sequences, kMostPending);
  VERGE_TRY(model.load.slowdown, options.speed.read());
  VERGE_TRY(std::shared_ptr<const CollabDevice> device, CollabDevice::create(options));
  const auto setup = [device, mode](model::LanguageModel& loaded,
                                    const serve::SplitIdentity& split) -> Result<serve::EdgeSetup> {
    VERGE_RETURN_IF_ERROR(device->check(split));
    serve::EdgeSetup made{.edge = device->edge_options(mode)};
    made.edge.max_pending = kMostPending;
    if (mode == serve::CollabMode::Standalone) return made;
    made.link = [device, split, &decoder = loaded.decoder()] {
      return device->connect(split, decoder, kCollabService);
    };
    return made;
  };
  model.runner = std::make_shared<serve::EdgeRunnerKind>(
      setup, serve::EdgeRunnerOptions{.max_running = max_running});
  return {};
}

}  // namespace verge::cli
