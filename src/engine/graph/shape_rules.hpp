#pragma once
// Checks and small facts shared by the operators' shape rules. `argument` is the operator's name
// for the input; every failure names it and both extents.

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

/// "64", "tokens" or "2*tokens".
std::string show_dim(const Graph& graph, const Dim& dim);
/// "[tokens, 64]".
std::string show_dims(const Graph& graph, const Dims& dims);

Status expect_rank(const InferContext& context, size_t input, std::string_view argument, int rank);
Status expect_min_rank(const InferContext& context, size_t input, std::string_view argument,
                       int rank);
/// The extent along `axis` (counted from the end if negative) must be `wanted`.
Status expect_dim(const InferContext& context, size_t input, std::string_view argument, int axis,
                  const Dim& wanted);
Status expect_dims(const InferContext& context, size_t input, std::string_view argument,
                   const Dims& wanted);
Status expect_dtype(const InferContext& context, size_t input, std::string_view argument,
                    DType wanted);

/// What an operator computes in when its input is stored like this: f64 stays f64 (gradient
/// checks), all else becomes f32.
DType compute_dtype(DType stored);
/// What an operator gives that only moves or chooses elements: levels of 8 bits (levels.hpp) stay.
DType moved_dtype(DType stored);
/// All extents but the last `count`.
Dims leading_dims(const Dims& dims, int count = 1);
/// `axis` counted from the front.
int from_front(int64_t axis, size_t rank);
/// The attributes {dims, symbols} by which reshape and broadcast_to name a shape.
Attrs dims_attrs(const Dims& dims);
/// The shape named by the attributes {dims, symbols}.
Dims dims_of(const Attrs& attrs);

}  // namespace verge::graph
