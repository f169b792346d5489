#pragma once
// complete_shape: how large each input of an ONNX network is in training, of what is given for some
// of them and what its file leaves open.

#include <verge/engine/format/onnx/reader.hpp>
#include <verge/stages/fit/tune/base_model.hpp>

namespace verge::fit {

/// `shape` with a binding for each input. The first extent of each is the batch: shape.batch or,
/// where that is 0, what the bindings or the file say, else 1. Other open extents are those given
/// for an input that has an extent of the same name, or by a binding of that name and one extent.
/// Inputs of a single integer keep the values that they are given. Fails with InvalidArgument for a
/// name that is none, an extent that stays open, bindings that contradict each other or
/// shape.batch, and a value of an input of samples; with Unsupported for an input of no samples and
/// for one integer a sample in a batch of 1.
Result<BaseShape> complete_shape(const format::onnx::Onnx& file, BaseShape shape);

}  // namespace verge::fit
