#pragma once
// build_exit_training: the Graph of early-exit heads alone, with their losses, for a model that
// stays as it is: what flows between its layers comes in as data. A head is a norm and a matrix to
// the vocabulary, each exit's own, or a norm before the model's own matrix.

#include <vector>

#include <verge/engine/nn/lm_training.hpp>

namespace verge::nn {

struct ExitTrainingShape {
  int64_t rows = 256;       // positions of a step
  bool is_untied = false;   // heads have matrices of their own
  double distil = 0;        // weight of the cross-entropy to the model's own distribution, beside 1
  bool has_logits = false;  // outputs "logits.N", no losses: for evaluation
};

/// For heads after config.exit_layers. Inputs: states.N f32 [rows, d_model] after N layers; targets
/// i32 [rows] (-1 does not count); with distil, teacher f32 [rows, vocab], probabilities. Trainable
/// exit.N.norm.weight [d_model] and, untied, exit.N.output.weight [vocab, d_model]; tied heads end
/// in output.weight [vocab, d_model], a parameter that is not trained. Outputs: "loss.N" f32 [],
/// the exit's mean cross-entropy in nats, and "loss", the sum of all that is differentiated; or
/// "logits.N" f32 [rows, vocab].
Result<LmTraining> build_exit_training(const DecoderConfig& config, const ExitTrainingShape& shape);

}  // namespace verge::nn
