#pragma once
// SplitFacts: of which model the file of some of its layers is (stages/fit/split writes them), and
// what two nodes compare before they run one model together.

#include <optional>
#include <string>
#include <vector>

#include <verge/engine/format/model_source.hpp>
#include <verge/engine/nn/config.hpp>

namespace verge::model {

struct SplitFacts {
  std::string model;           // model_hash() of the whole model
  std::string tokenizer;       // tokenizer_hash() of it
  nn::LayerSpan layers;        // that the file has; its end is never 0
  std::vector<int64_t> exits;  // e1, e2: layers before the exit heads that it was split for
};

/// From verge.split.model, .tokenizer, .layers (i32 [first, end]) and .exits (i32); nothing for a
/// whole model. Fails with Malformed for keys that are incomplete or contradict the model.
Result<std::optional<SplitFacts>> read_split(const format::ModelSource& source);
void write_split(const SplitFacts& facts, format::Metadata& metadata);

/// A hash of all tensors' content and of the hyper-parameters: the same for a whole model and the
/// files split from it, which carry it. Cost: reads every tensor of a whole model.
Result<std::string> model_hash(const format::ModelSource& source);
/// A hash of the vocabulary. Fails as read_vocabulary.
Result<std::string> tokenizer_hash(const format::ModelSource& source);

/// The layers of the model that the source has: [0, layers) of a whole model.
Result<nn::LayerSpan> layers_of(const format::ModelSource& source, const nn::DecoderConfig& config);

/// The tensors that these layers and the heads after them need: all of them for a whole model.
/// Matrices of exit heads go with the layers from the first on, or with the head at the end.
std::vector<const format::StoredTensor*> tensors_of(const format::ModelSource& source,
                                                    nn::LayerSpan layers);

}  // namespace verge::model
