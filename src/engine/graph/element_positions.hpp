#pragma once
// Where indices point to in a tensor, for the operators that read and write single elements and
// slices there (ONNX's GatherElements, GatherND and their scatters). Indices count from 0, or from
// the end where they are negative.

#include <string>
#include <vector>

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

/// What becomes of an index beyond its axis.
enum class Beyond { Nearest, Nowhere };

/// {beyond}: "nearest" or "nowhere", or what is usual of the operator. Gradients say it: a gather
/// and the scatter that is its adjoint must see each index at the same place.
Beyond beyond_of(const Attrs& attrs, Beyond usual);
std::string name(Beyond beyond);

/// For each element of `indices`, a place in a tensor of shape `x`: its own coordinates, but along
/// `axis` the index. -1 where there is none (Beyond::Nowhere).
std::vector<int64_t> element_positions(const Shape& x, const TensorView& indices, int axis,
                                       Beyond beyond);

/// For each row of `indices` [batch..., rows..., k], the first element of a slice of `x` [batch...,
/// axes..., slice...] with k axes, of which `batch_axes` are shared.
std::vector<int64_t> slice_positions(const Shape& x, const TensorView& indices, int batch_axes,
                                     Beyond beyond);

/// Elements of such a slice.
int64_t slice_length(const Shape& x, const Shape& indices, int batch_axes);

/// The shape rules: x [a..., n, b...] and indices of the same rank, no longer than x but along
/// {axis}; x [batch..., axes..., slice...] and indices [batch..., rows..., k], {batch_axes}. Gives
/// the extents of what is picked.
Result<Dims> picked_elements(const InferContext& context);
Result<Dims> picked_slices(const InferContext& context);

/// {reduction}: "none", "add", "mul", "min" or "max"; fails for another.
Status expect_reduction(const InferContext& context);
/// What stands there after `value` was written to where `before` stood.
double reduced(std::string_view reduction, double before, double value);

/// Zeros of these extents, of the type of `like`.
ValueId emit_zeros(Builder& builder, const Dims& dims, ValueId like);

}  // namespace verge::graph
