#pragma once
// The text form of a Graph: diffable, and parse(print(g)) is g. One declaration or node a line;
// values are named by their number:
//
//   graph "mlp"
//   symbol "tokens" 512
//   input 0 "x" f32 [tokens, 64]
//   param 1 "w" q4_0 [32, 64]
//   value 2 "y" f32 [tokens, 32] output
//   fwd 2 = linear(0, 1, _) {act="relu"} @"blk.0"

#include <string>
#include <string_view>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

std::string print(const Graph& graph);

/// Fails with Malformed naming line and column. Constants carry their data as hexadecimal bytes.
Result<Graph> parse(std::string_view text);

/// "f32 [2*tokens, 64]"
std::string show_type(const Graph& graph, const Type& type);

/// `2`, `0.5`, `"silu"` or `[1, 2]`, as parse reads them.
std::string show_attr(const Attr& attr);

}  // namespace verge::graph
