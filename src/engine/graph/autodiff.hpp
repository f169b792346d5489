#pragma once
// Compile-time differentiation: appends the backward pass, then the optimizer's updates, to a
// forward graph. A gradient is emitted only where the path to a trainable value needs one, so
// nothing below the earliest trainable tensor has a backward at all. Passes run afterwards, on the
// joint graph.
//
//   VERGE_TRY(auto joint, differentiate(forward, loss, {w1, w2}));
//   VERGE_TRY(auto step, add_updates(std::move(joint), {w1, w2}, {.kind = OptimizerKind::AdamW}));

#include <optional>

#include <verge/engine/graph/channel_slice.hpp>

namespace verge::graph {

/// What a level of an integer parameter is worth: its channel's multiplier times a ratio.
struct LevelScale {
  ValueId multiplier = kNone;  // f32 [channels], a param
  double ratio = 1;
};
using LevelScales = std::map<ValueId, LevelScale>;  // by parameter

/// A graph with its backward pass. Ids of the forward graph stay valid.
struct JointGraph {
  Graph graph;
  std::vector<ValueId> gradients;  // of each trainable value, in the caller's order
  ChannelSlices slices = {};       // those gradients have these channels alone
  LevelScales scales = {};         // of i8 and i32 parameters, for quantization-aware scaling
};

/// The gradients of `loss` (one element) with respect to `trainable` (params or inputs). Fails with
/// Unsupported naming the layer of an operator that has no gradient, with InvalidArgument for a
/// value that does not influence the loss. Of a parameter in `slices`, only those channels get a
/// gradient and only their inputs are kept for it (Lin et al. 2022, "On-Device Training Under 256KB
/// Memory", section 3.2): input channels (axis 1) of convolutions and linear layers, the channels
/// (axis 0) of depthwise convolutions; elsewhere Unsupported.
Result<JointGraph> differentiate(Graph forward, ValueId loss, const std::vector<ValueId>& trainable,
                                 ChannelSlices slices = {});

enum class OptimizerKind { AdamW, AdamW8bit, Sgd, Lion };

struct OptimizerSpec {
  OptimizerKind kind = OptimizerKind::AdamW;
  double beta1 = 0.9;
  double beta2 = 0.999;  // Lion's usual value is 0.99
  double eps = 1e-8;
  double momentum = 0;  // of Sgd
  bool nesterov = false;
  double weight_decay = 0;  // of matrices only: values of rank 2 or more
  double max_norm = 0;      // clips each gradient by itself; 0: not at all
  double global_norm = 0;   // clips all of them together, which keeps all alive; 0: not at all
  // Of integer parameters (level_update.hpp):
  bool level_scaling = true;  // of Sgd: Quantization-Aware Scaling, where the scales are known
  bool remainders = false;    // i8 weights keep what rounding took, one byte each
};

/// "adamw", "adamw8bit", "sgd", "lion"; nothing for another name.
std::optional<OptimizerKind> optimizer_from_name(std::string_view name);
std::string_view name(OptimizerKind kind);
/// The optimizer with all that its updates depend on: "sgd, momentum 0.9, weight decay 0.1".
std::string describe(const OptimizerSpec& spec);

/// Appends one update node for each trainable param, which overwrites it. Moments are states
/// "<param>.m" and "<param>.v" (f32; f64 for f64 params; of AdamW8bit u8, with the scales of blocks
/// in "<param>.m.scale" and "<param>.v.scale"); the learning rate is an input "lr" (f32
/// or f64, []), AdamW's step number, 1 for the first, an input "step" (i64, []). Of a param in
/// joint.slices only those channels are overwritten, and its moments are as large as they are.
/// Integer params move by levels, rounded at random by the input "step"; remainders are states
/// "<param>.rest" (i8). Momentum and AdamW step in f32, the latter by levels; neither decays them.
Result<Graph> add_updates(JointGraph joint, const std::vector<ValueId>& trainable,
                          const OptimizerSpec& optimizer);

/// Gradient accumulation, for steps over more sequences than memory holds: instead of updates, each
/// gradient divided by `parts` is added in place to a state "<param>.g", which the caller zeroes
/// after each step. Nothing is kept for what is not trainable.
Result<Graph> accumulate_gradients(JointGraph joint, const std::vector<ValueId>& trainable,
                                   int64_t parts);

/// The updates alone, from those accumulators; `forward` gives the parameters' names and types.
Result<Graph> updates_from_accumulators(const Graph& forward, const std::vector<ValueId>& trainable,
                                        const OptimizerSpec& optimizer,
                                        const ChannelSlices& slices = {});

}  // namespace verge::graph
