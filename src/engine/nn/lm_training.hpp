#pragma once
// build_lm_training: the forward Graph of a Llama-type language model with its loss, ready for
// autodiff. All parameters are f32 and trainable, named as in GGUF files; the output matrix is the
// embedding (Press & Wolf 2017) unless the form says otherwise. Early-exit heads (Teerapittayanon
// et al. 2016) are norms after some layers that share the output matrix; their losses are added
// with a weight.

#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/graph/ir.hpp>
#include <verge/engine/nn/config.hpp>

namespace verge::nn {

/// What a model has beside a plain one's parameters.
struct LmForm {
  bool has_output = false;        // an output matrix of its own
  bool has_exit_outputs = false;  // so has each exit head
  bool has_qkv_bias = false;      // as Qwen 2
  bool has_qk_norms = false;      // as Qwen 3
};

struct LmTrainingShape {
  int64_t batch = 4;
  int64_t tokens = 256;                   // of each sequence
  std::vector<double> exit_weights = {};  // of each exit's loss, beside 1 for the last; empty: 0.3
  LmForm form = {};
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
std::vector<LmParameter> lm_parameters(const DecoderConfig& config, const LmForm& form = {});

}  // namespace verge::nn
