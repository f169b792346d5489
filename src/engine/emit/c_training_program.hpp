#pragma once
// c_training_program: a main around the C of a training step: it fine-tunes on files of samples and
// writes what was learned as a safetensors file, from which it goes on as well. Learning rates are
// those of runtime::learning_rate.

#include <string>
#include <string_view>

namespace verge::emit {

struct TrainingDefaults {
  double rate = 1e-3;  // learning rate at its peak
};

/// For the files `name`.h and `name`.c, whose graph has an input "lr", perhaps an input "step", an
/// output "loss", and inputs of one batch of samples each.
std::string c_training_program(std::string_view name, const TrainingDefaults& defaults = {});

}  // namespace verge::emit
