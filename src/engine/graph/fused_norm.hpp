#pragma once
// The RMS norm that fuse_norm makes part of a product: with the attribute {norm_eps}, rows of x are
// normalised before they are multiplied, and the norm's weight [in] is the product's last input.

#include <vector>

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

/// Where the norm's weight stands: 4 of linear, 3 of linear_glu, behind the pairs of linear_multi.
size_t norm_input(const Node& product);

/// The norm's weight and x must fit; nothing without a norm.
Status expect_norm(const InferContext& context, size_t input);

/// Input 0 of a product, in doubles, normalised where the call has a norm.
std::vector<double> load_normalized(const KernelCall& call, size_t norm);

}  // namespace verge::graph
