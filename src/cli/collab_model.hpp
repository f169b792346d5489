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

/// `load`: sizes; its layers are chosen here. Fails as LanguageModel::load, split_identity, and
/// with Unsupported for a model without two exits.
Result<CollabModel> load_collab(const std::string& path, CollabEnd end, model::LoadOptions load,
                                ThreadPool& pool);

}  // namespace verge::cli
