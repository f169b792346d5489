#pragma once
// One end's share of a model that a device and a server answer with together: a file of `verge fit
// split`, or of a whole model with two early exits the layers that this end needs.

#include <verge/cli/options.hpp>
#include <verge/stages/serve/collab/split_identity.hpp>

namespace verge::cli {

struct CollabModel {
  std::unique_ptr<model::LanguageModel> model;
  serve::SplitIdentity split;
};

enum class CollabEnd { Device, Server };

/// The layers of a model or split file that this end runs. Unsupported for a model without two
/// exits.
Result<nn::LayerSpan> collab_layers(const std::string& path, CollabEnd end);

/// What `verge run` and `verge chat` load for this machine's share: sizes, for so many tokens at
/// once. Fails with InvalidArgument for options of a whole model, naming them.
Result<model::LoadOptions> device_load_options(const ModelOptions& options, int64_t most_pending);

/// `load`: sizes; its layers are chosen here. Fails as LanguageModel::load, split_identity and
/// collab_layers.
Result<CollabModel> load_collab(const std::string& path, CollabEnd end, model::LoadOptions load,
                                ThreadPool& pool);

}  // namespace verge::cli
