#pragma once
// The body of a `delegate` node: a Graph of its own, in the node's attribute {body} as text
// (text_form.hpp). Its inputs (given at each run) and params (known when a plan is bound) are the
// node's inputs, in order; its outputs, in the order of its values, are the node's outputs. It has
// constant extents, no constant, no state and no delegate in it, and updates nothing.

#include <span>
#include <vector>

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

/// Fails with Malformed for what is no such body.
Result<Graph> parse_body(std::string_view text);

/// The values that stand for the node's inputs, and for its outputs.
std::vector<ValueId> body_inputs(const Graph& body);
std::vector<ValueId> body_outputs(const Graph& body);

/// Runs a body by the operators' references.
void run_body(const Graph& body, std::span<const TensorView> inputs,
              std::span<const TensorView> outputs);

}  // namespace verge::graph
