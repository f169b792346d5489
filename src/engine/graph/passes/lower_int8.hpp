#pragma once
// lower_int8: what is computed between a dequantize and a quantize (ONNX's QDQ form: Jacob et al.
// 2018, section 3; what ONNX Runtime and PyTorch write) is computed on the levels themselves:
// conv2d, linear, add, mul and means become their operators of 8 bits, with ReLU and clips as the
// range of levels; what elementwise nodes make of one value of levels is looked up in a table of
// all of them (level_table.hpp); largest values, joins, gathered and sliced elements and moves of
// one scale work on levels as they are; a product whose result nobody quantizes gives f32. Weights
// must be constants of one zero point, by output channel or not. Results are those of the floats in
// between but for their rounding: now and then one level. What stays beside has its weights as f32.
// Runs after fuse_activations, before passes that fold what is around products of floats.

#include <verge/engine/graph/passes/fold_affine.hpp>

namespace verge::graph {

Graph lower_int8(Graph graph, const ParameterValues& parameters);

}  // namespace verge::graph
