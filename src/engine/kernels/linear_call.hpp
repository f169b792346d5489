#pragma once
// What the kernels of linear, linear_multi and linear_glu share: activations prepared in the
// workspace, then one product for each weight.

#include <verge/engine/graph/op.hpp>
#include <verge/engine/kernels/matmul.hpp>

namespace verge::kernels {

inline bool wants_packed_weight(const graph::KernelCall& call, size_t input) {
  const TensorView& weight = call.in(input);
  return weight.shape.rank() >= 2 && can_pack(weight.dtype, weight.shape.back());
}

inline PackedMatrix packed_matrix(const TensorView& weight) {
  return {weight.dtype, weight.shape.rows(), weight.shape.back(), weight.data};
}

/// The activations of x for weights of this type, in the call's workspace.
inline Activations activations_of(const graph::KernelCall& call, DType weight) {
  const TensorView& x = call.in(0);
  return {activation_kind(weight), x.shape.rows(), x.shape.back(), call.workspace};
}

inline int64_t activations_workspace(const graph::KernelCall& call, DType weight) {
  const TensorView& x = call.in(0);
  return activation_bytes(activation_kind(weight), x.shape.rows(), x.shape.back());
}

/// Prepares x and waits for everybody.
inline Activations prepare(const graph::KernelCall& call, DType weight, Worker& worker, Isa isa) {
  const Activations prepared = activations_of(call, weight);
  prepare_activations(call.in(0).as<float>(), prepared.cols, prepared, worker, isa);
  worker.sync();
  return prepared;
}

}  // namespace verge::kernels
