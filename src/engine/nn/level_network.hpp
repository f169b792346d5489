#pragma once
// A trained f32 classifier as a network of 8-bit levels (graph/levels.hpp), to be trained on as it
// is: weights i8 by channel, symmetric (Jacob et al. 2018), biases i32, activations i8, sums exact.
// Batch norm becomes part of its convolution, ReLU and ReLU6 the range of levels. The classifier at
// the end stays f32 and reads the levels' values, as in Lin et al. 2022 ("On-Device Training Under
// 256KB Memory", whose code calls it ScaledLinear): it is learned anew and has no scale before
// that.
//
//   VERGE_TRY(LevelNetwork net, to_levels(graph, loss, "images", values, ranges));
//   differentiate(net.graph, net.result, ...) with net.scales

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/nn/update_scheme.hpp>
#include <verge/engine/nn/value_range.hpp>

namespace verge::nn {

/// Real value of a level: (level - zero) * scale.
struct LevelForm {
  float scale = 1;
  int zero = 0;
};
/// The i8 form that holds the range and 0.
LevelForm level_form(const ValueRange& range);

struct LevelNetwork {
  graph::Graph graph;  // input `images` i8, else the inputs and outputs of the f32 graph
  graph::ValueId result = graph::kNone;
  LevelForm input;
  std::map<std::string, Tensor> weights;  // of all params: i8, i32, and f32 multipliers and head
  graph::LevelScales scales;              // of i8 and i32 params
  std::map<std::string, std::vector<float>> weight_scales;  // of i8 params, by channel
};

/// Values of the f32 graph whose ranges to_levels asks for.
std::vector<std::string> ranged_values(const graph::Graph& graph, const std::string& images);

/// The part of the graph that `result` is made of: its loss or its logits.
/// Fails with Unsupported, naming the layer, for an operator that has no form on levels and for a
/// weight or bias of two convolutions;
/// with InvalidArgument for a range that is missing or no range.
Result<LevelNetwork> to_levels(const graph::Graph& graph, graph::ValueId result,
                               const std::string& images, const WeightValues& values,
                               const ValueRanges& ranges);

}  // namespace verge::nn
