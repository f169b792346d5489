#pragma once
// What a node of an image network becomes where its images have their channels in blocks
// (channel_blocks.hpp).

#include <optional>
#include <string_view>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

struct BlockedForm {
  std::string_view op;
  Attrs attrs;
  std::vector<bool> is_blocked;   // by input: whether it is read in blocks
  bool is_result_blocked = true;  // else plain
};

/// Whether the value is an image of f32 [n, c, h, w] that may be held in blocks, too.
bool is_image(const Graph& graph, ValueId id);

/// The form of this node in blocks, which gives the same numbers, or nothing where it has none.
std::optional<BlockedForm> blocked_form(const Graph& graph, const Node& node);

}  // namespace verge::graph
