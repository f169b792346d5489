#include <verge/cli/collab_model.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/split_facts.hpp>

namespace verge::cli {
namespace {

// Layers before the two exits.
Result<std::vector<int64_t>> exits_of(const std::string& path) {
  VERGE_TRY(const format::ModelSource source, format::ModelSource::open(path));
  VERGE_TRY(const auto split, model::read_split(source));
  if (split) return split->exits;
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(model::FileFacts(source)));
  if (config.exit_layers.size() >= 2) {
    return std::vector<int64_t>{config.exit_layers[0], config.exit_layers[1]};
  }
  return make_error(Code::Unsupported,
                    "{}: it has {} early exits, two are needed; give it some (`verge adapt exits`) "
                    "or train it with them (`verge train lm --exits`)",
                    path, config.exit_layers.size());
}

}  // namespace

Result<nn::LayerSpan> collab_layers(const std::string& path, CollabEnd end) {
  VERGE_TRY(const std::vector<int64_t> exits, exits_of(path));
  return end == CollabEnd::Device ? nn::LayerSpan{0, exits[1]} : nn::LayerSpan{exits[0], 0};
}

Result<model::LoadOptions> device_load_options(const ModelOptions& options, int64_t most_pending) {
  const char* whole = !options.lora.empty() ? "--lora" : !options.plan.empty() ? "--plan" : nullptr;
  if (whole != nullptr) {
    return make_error(Code::InvalidArgument,
                      "{} is of a whole model; leave it out with --cloud and --mode", whole);
  }
  VERGE_TRY(model::LoadOptions load, options.load_options());
  load.max_sequences = most_pending;
  return load;
}

Result<CollabModel> load_collab(const std::string& path, CollabEnd end, model::LoadOptions load,
                                ThreadPool& pool) {
  VERGE_TRY(load.layers, collab_layers(path, end));
  CollabModel loaded;
  VERGE_TRY(loaded.model, model::LanguageModel::load(path, load, pool));
  VERGE_TRY(loaded.split, serve::split_identity(*loaded.model));
  return loaded;
}

}  // namespace verge::cli
