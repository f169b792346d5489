#pragma once
// emit: the primitives of one node. Internal to this folder.

#include <verge/engine/backends/onednn/chain.hpp>

namespace verge::backends::onednn {

using Emit = Status (*)(Chain& chain, const graph::Node& node);

/// Adds the node's primitives to the chain and places its outputs. Fails with Unsupported where
/// oneDNN has none.
Status emit(Chain& chain, const graph::Node& node);
/// Whether there is a rule for the operator at all.
bool has_emit(std::string_view op);
/// The operators that there are rules for.
std::vector<std::string_view> emitted_operators();

Status no_implementation(const graph::Node& node);
/// Appends what makes an activation (activation.hpp) of a product.
void append_activation(std::string_view name, std::vector<PostOp>& post_ops);

Status emit_conv2d(Chain& chain, const graph::Node& node);
Status emit_conv_transpose2d(Chain& chain, const graph::Node& node);
Status emit_linear(Chain& chain, const graph::Node& node);
Status emit_matmul(Chain& chain, const graph::Node& node);
Status emit_pool(Chain& chain, const graph::Node& node);
Status emit_global_avg_pool(Chain& chain, const graph::Node& node);
Status emit_unary(Chain& chain, const graph::Node& node);
Status emit_binary(Chain& chain, const graph::Node& node);
Status emit_concat(Chain& chain, const graph::Node& node);
Status emit_softmax(Chain& chain, const graph::Node& node);
Status emit_layer_norm(Chain& chain, const graph::Node& node);
Status emit_reduce_mean(Chain& chain, const graph::Node& node);
Status emit_reshape(Chain& chain, const graph::Node& node);
Status emit_slice(Chain& chain, const graph::Node& node);
Status emit_transpose(Chain& chain, const graph::Node& node);
Status emit_upsample(Chain& chain, const graph::Node& node);

}  // namespace verge::backends::onednn
