#include <algorithm>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/model_graph.hpp>
#include <verge/engine/nn/decoder.hpp>
#include <verge/engine/nn/lm_training.hpp>

namespace verge::model {
namespace {

constexpr int64_t kTrainingTokens = 256;

Result<graph::Graph> training_graph(const nn::DecoderConfig& config, int64_t batch) {
  if (config.architecture != "llama" || config.moe.experts > 0) {
    return make_error(Code::Unsupported,
                      "training graphs are of dense llama models, this is {}; inspect prefill or "
                      "decode",
                      config.architecture);
  }
  const nn::LmTrainingShape shape{.batch = batch,
                                  .tokens = std::min(config.context, kTrainingTokens)};
  VERGE_TRY(nn::LmTraining training, nn::build_lm_training(config, shape));
  VERGE_TRY(graph::JointGraph joint,
            graph::differentiate(std::move(training.graph), training.loss, training.trainable));
  return graph::add_updates(std::move(joint), training.trainable, {});
}

// Why the builder misses a tensor that the file has.
std::optional<Error> unreadable_tensor(const format::ModelSource& source) {
  for (const format::StoredTensor& tensor : source.tensors()) {
    if (tensor.dtype) continue;
    return make_error(Code::Unsupported,
                      "{}: tensor {} has type {}, which cannot be read; fetch the model with "
                      "another quantization",
                      source.path, tensor.name, tensor.type_name);
  }
  return std::nullopt;
}

}  // namespace

std::optional<GraphUse> graph_use_from_name(std::string_view name) {
  if (name == "prefill") return GraphUse::Prefill;
  if (name == "decode") return GraphUse::Decode;
  if (name == "train") return GraphUse::Training;
  return std::nullopt;
}

Result<graph::Graph> model_graph(const format::ModelSource& source, const LoadOptions& options,
                                 GraphUse use, int64_t batch) {
  const FileFacts facts(source);
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(facts));
  VERGE_RETURN_IF_ERROR(check_options(config, options));
  VERGE_RETURN_IF_ERROR(layers_to_load(source, config, options));
  if (use == GraphUse::Training) return training_graph(config, batch);
  nn::DecoderShape shape = decoder_shape(config, options);
  if (use == GraphUse::Decode) shape = decode_shape(shape);
  auto graph = nn::build_decoder(config, facts, shape);
  if (!graph) return unreadable_tensor(source).value_or(graph.error());
  return graph;
}

}  // namespace verge::model
