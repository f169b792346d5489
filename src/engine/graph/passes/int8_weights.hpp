#pragma once
// The constants of products that lower_int8 finds: weights that are stored as levels, and biases.

#include <optional>
#include <vector>

#include <verge/engine/graph/passes/fold_affine.hpp>

namespace verge::graph {

struct Int8Weight {
  Tensor levels;               // i8, of zero point 0, as the product wants it
  std::vector<double> scales;  // by its first axis
};

/// Whether a node only gives its input another shape.
bool is_move(const Node& node);

/// The values of a constant or parameter.
std::optional<TensorView> constant_of(const Graph& graph, const ParameterValues& parameters,
                                      ValueId id);

/// A weight that a node `dequantize` of constant levels gives, through moves; none where scales
/// belong to another axis or levels less their zero points do not fit i8.
std::optional<Int8Weight> int8_weight_of(const Graph& graph, const std::vector<Node>& nodes,
                                         const std::vector<NodeId>& producers,
                                         const ParameterValues& parameters, ValueId weight);

/// A constant bias in these units, as i32; none where it does not fit.
std::optional<Tensor> int8_bias_of(const Graph& graph, const std::vector<Node>& nodes,
                                   const std::vector<NodeId>& producers,
                                   const ParameterValues& parameters, ValueId bias,
                                   const std::vector<double>& units);

}  // namespace verge::graph
