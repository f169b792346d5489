#pragma once
// What runs by its operator's slow reference because no kernel fits, and the line that says so.

#include <span>
#include <string>
#include <vector>

#include <verge/engine/runtime/decoder.hpp>

namespace verge::runtime {

/// "linear (blk.0.attn_q)", in the order of the steps; what Plan::reference_nodes will say.
std::vector<std::string> reference_nodes(const Program& program);

/// Of both plans of a language model, each named once.
std::vector<std::string> reference_nodes(const Decoder& decoder);

/// One line: each operator, how often it occurs and where first. Empty for no nodes.
std::string reference_warning(std::span<const std::string> nodes);

}  // namespace verge::runtime
