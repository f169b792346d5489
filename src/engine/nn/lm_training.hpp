#pragma once
// build_lm_training: the forward Graph of a Llama-type language model with its loss, ready for
// autodiff. All parameters are f32 and trainable, named as in GGUF files; the output matrix is the
// embedding (Press & Wolf 2017). Early-exit heads (Teerapittayanon et al. 2016) are norms after
// some layers that share the output matrix; their losses are added with a weight.

#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/graph/ir.hpp>
#include <verge/engine/nn/config.hpp>

namespace verge::nn {

struct LmTrainingShape {
  int64_t batch = 4;
  int64_t tokens = 256;           // of each sequence
  double exit_loss_weight = 0.3;  // of each exit head, beside 1 for the last layer
};

struct LmTraining {
  graph::Graph graph;
  graph::ValueId loss;  // what is differentiated
  std::vector<graph::ValueId> trainable;
};

/// Inputs: tokens, targets i32 [batch, tokens] (target -1 does not count), positions i32 [tokens].
/// Outputs: "loss" f32 [], the last layer's mean cross-entropy in nats; "loss.N" of the exit after
/// layer N.
Result<LmTraining> build_lm_training(const DecoderConfig& config, const LmTrainingShape& shape);

/// The parameters of such a model with their initial standard deviation; norms are ones (stddev 0).
struct LmParameter {
  std::string name;
  Shape shape;
  double stddev;
};
std::vector<LmParameter> lm_parameters(const DecoderConfig& config);

}  // namespace verge::nn
