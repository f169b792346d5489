#pragma once
// `verge compile --train`: a training step, its scheme and its memory, as a plan file.

#include <string>

#include <verge/cli/known_contributions.hpp>
#include <verge/cli/network_emit.hpp>
#include <verge/cli/optimizer_options.hpp>
#include <verge/cli/options.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::cli {

struct TrainingCompileOptions {
  bool is_asked = false;  // --train
  std::string scheme = "auto";
  std::string memory;
  std::string report;
  std::string loss = "ce";
  std::string output_name;  // of an ONNX network
  bool is_int8 = false;     // --int8
  std::string calibrate;    // pictures
  std::string method = "minmax";
  std::string int8_out;  // the network of levels; empty: beside the plan
  bool keeps_remainders = false;
  bool is_unscaled = false;
  std::string save_scheme;
  int64_t tokens = 128;
  std::vector<std::string> without;
  bool profile = false;
  bool kernels = false;  // --kernels
  std::string precision = "f32";
  std::string family = kAnyFamily;            // of tasks, whose contributions "auto" takes
  OptimizerOptions optimizer = {.name = ""};  // adamw; of levels sgd
  graph::OptimizerSpec spec = {.weight_decay = 0.01};
  int64_t accumulate = 1;

  void declare(Parser& parser);
  /// Fails with InvalidArgument where an option of training stands without --train.
  Status check() const;
};

/// `batch` 0: one. With --emit c or elf the step as C or as a program, instead of a plan file.
Status compile_training(const TrainingCompileOptions& options, const EmitOptions& emit,
                        const std::string& model, int64_t batch, const std::string& output,
                        kernels::Isa isa, ThreadPool& pool, Context& context);

}  // namespace verge::cli
