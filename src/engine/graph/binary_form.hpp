#pragma once
// The binary form of a Graph, for plan files: read_binary(write_binary(g)) is g, as for the text
// form, in a fraction of the time. Of this machine's byte order.

#include <cstddef>
#include <span>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

std::vector<std::byte> write_binary(const Graph& graph);

/// From any bytes. Fails with Malformed for what is no graph or does not verify, with Unsupported
/// for another version of the form or an operator that this build does not have.
Result<Graph> read_binary(std::span<const std::byte> bytes);

}  // namespace verge::graph
