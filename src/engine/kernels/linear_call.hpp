#pragma once
// What the kernels of linear, linear_multi and linear_glu share: activations prepared in the
// workspace, then one product for each weight.

#include <algorithm>

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

/// Room for all tokens, or for one a thread.
inline int64_t activations_workspace(const graph::KernelCall& call, DType weight, int threads) {
  const TensorView& x = call.in(0);
  const int64_t tokens = std::max<int64_t>(x.shape.rows(), threads);
  return activation_bytes(activation_kind(weight), tokens, x.shape.back());
}

/// Prepares x in the call's workspace and waits for everybody. A single token is prepared by each
/// worker for itself, which is over sooner than the wait for another.
inline Activations prepare(const graph::KernelCall& call, DType weight, Worker& worker, Isa isa) {
  const TensorView& x = call.in(0);
  Activations out{activation_kind(weight), x.shape.rows(), x.shape.back(), call.workspace};
  if (out.tokens == 1) {
    out.data = call.workspace + worker.index() * activation_bytes(out.kind, 1, out.cols);
    prepare_tokens(x.as<float>(), out.cols, out, 0, 1, isa);
  } else {
    prepare_activations(x.as<float>(), out.cols, out, worker, isa);
    worker.sync();
  }
  return out;
}

}  // namespace verge::kernels
