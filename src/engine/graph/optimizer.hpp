#pragma once
// The shape rule shared by the optimizers' update operators.

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {

/// The given inputs (gradient, moments) have the extents of p, input 0; lr is [].
Status expect_update_shapes(const InferContext& context, std::initializer_list<size_t> like_p,
                            size_t lr);

}  // namespace verge::graph
