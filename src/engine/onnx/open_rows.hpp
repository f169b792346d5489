#pragma once
// Open rows: NonMaxSuppression decides how many rows it gives when the network runs, but a Graph
// has fixed extents. Its result has rows for the most there can be; this follows through the nodes
// behind it along which axis only the first of them count, so that outputs are cut to those. What
// would mix them with the others is refused.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/graph/ir.hpp>

namespace verge::onnx {

struct OpenRows {
  int axis = 0;
  graph::ValueId count = graph::kNone;  // i32 [1]
  int64_t most = INT64_MAX;             // of which so many are kept
  bool operator==(const OpenRows&) const = default;
};

/// The open axis of the result of a node, whose inputs have these (nothing: a plain one). Fails
/// with Unsupported where it depends on how many rows there are.
Result<std::optional<OpenRows>> open_rows_of(const graph::Graph& graph, const graph::Node& node,
                                             std::span<const std::optional<OpenRows>> inputs);

}  // namespace verge::onnx
