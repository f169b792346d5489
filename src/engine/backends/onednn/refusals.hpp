#pragma once
// What the backend refuses without asking oneDNN. Internal to this folder.

#include <string>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::backends::onednn {

/// Every reason by operator, types and attributes.
std::vector<std::string> plain_refusals(const graph::Graph& graph, const graph::Node& node);

}  // namespace verge::backends::onednn
