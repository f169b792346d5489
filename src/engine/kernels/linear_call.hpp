#pragma once
// What the kernels of linear, linear_multi and linear_glu share: activations prepared in the
// workspace, then one product for each weight.

#include <algorithm>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/kernels/matmul.hpp>
#include <verge/engine/kernels/norm.hpp>

namespace verge::kernels {

inline bool wants_packed_weight(const graph::KernelCall& call, size_t input) {
  const TensorView& weight = call.in(input);
  return weight.shape.rank() >= 2 && can_pack(weight.dtype, weight.shape.back());
}

inline PackedMatrix packed_matrix(const TensorView& weight) {
  return {weight.dtype, weight.shape.rows(), weight.shape.back(), weight.data};
}

/// The norm that a product applies to its rows first (graph/fused_norm.hpp); without one, null.
struct RowNorm {
  const float* weight = nullptr;
  float epsilon = 0;

  RowNorm(const graph::KernelCall& call, size_t input) {
    if (!call.has(input) || !call.attrs.has("norm_eps")) return;
    weight = call.in(input).as<float>();
    epsilon = static_cast<float>(call.attrs.real("norm_eps"));
  }
};

/// Room for a normalised row of each thread.
inline int64_t norm_rows_bytes(const graph::KernelCall& call, int threads) {
  if (!call.attrs.has("norm_eps")) return 0;
  const int64_t row_bytes = call.in(0).shape.back() * int64_t{sizeof(float)};
  return threads * ((row_bytes + 63) / 64 * 64);
}

/// Room for all tokens, or for one a thread.
inline int64_t activations_workspace(const graph::KernelCall& call, DType weight, int threads) {
  const TensorView& x = call.in(0);
  const int64_t tokens = std::max<int64_t>(x.shape.rows(), threads);
  return norm_rows_bytes(call, threads) +
         activation_bytes(activation_kind(weight), tokens, x.shape.back());
}

/// Prepares x in the call's workspace and waits for everybody. A single token is prepared by each
/// worker for itself, which is over sooner than the wait for another.
inline Activations prepare(const graph::KernelCall& call, DType weight, const RowNorm& norm,
                           Worker& worker, Isa isa) {
  const TensorView& x = call.in(0);
  const int64_t rows_bytes = norm_rows_bytes(call, worker.count());
  auto* row =
      reinterpret_cast<float*>(call.workspace + rows_bytes / worker.count() * worker.index());
  Activations out{activation_kind(weight), x.shape.rows(), x.shape.back(),
                  call.workspace + rows_bytes};
  const auto prepare_one = [&](const float* source, int64_t token) {
    if (norm.weight != nullptr) {
      rms_norm_row(isa, out.cols, source, norm.weight, norm.epsilon, row);
      source = row;
    }
    prepare_token(source, out, token, isa);
  };
  if (out.tokens == 1) {
    out.data =
        call.workspace + rows_bytes + worker.index() * activation_bytes(out.kind, 1, out.cols);
    prepare_one(x.as<float>(), 0);
    return out;
  }
  for (int64_t token = worker.claim(); token < out.tokens; token = worker.claim()) {
    prepare_one(x.as<float>() + token * out.cols, token);
  }
  worker.sync();
  return out;
}

}  // namespace verge::kernels
