#pragma once
// The graphs that are made of a model file, before any pass, without loading its weights: what
// `verge inspect` shows and `verge compile` compiles.

#include <string_view>

#include <verge/engine/model/language_model.hpp>

namespace verge::model {

enum class GraphUse {
  Prefill,   // many tokens a run
  Decode,    // one token a run
  Training,  // forward, backward and AdamW updates of all weights, in f32
};

/// "prefill", "decode", "train"; nothing for any other word.
std::optional<GraphUse> graph_use_from_name(std::string_view name);

/// options.context and max_tokens bound inference; a training step takes `batch` sequences of at
/// most 256 tokens. Fails as LanguageModel::load does, and with Unsupported for training other
/// architectures than llama.
Result<graph::Graph> model_graph(const format::ModelSource& source, const LoadOptions& options,
                                 GraphUse use, int64_t batch = 1);

}  // namespace verge::model
