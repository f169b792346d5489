#pragma once
// Matrix products with packed weights: y = W x for any number of tokens. One token runs at the
// speed of memory, many at that of the multiplier. The rounding of a result does not depend on the
// number of tokens beside it, of threads, or on who computes what.

#include <cstdint>
#include <span>

#include <verge/engine/kernels/activations.hpp>
#include <verge/engine/kernels/packed.hpp>

namespace verge::kernels {

/// y[token][row] (+)= sum over col of weights[row][col] * x[token][col] (+ bias[row]).
/// With `gate`, a second matrix of the same type and shape: y = silu(gate x) * (weights x + bias),
/// Shazeer 2020, "GLU Variants Improve Transformer".
struct Product {
  PackedMatrix weights;
  float* y = nullptr;
  int64_t y_stride = 0;  // floats from one token's row of y to the next
  const float* bias = nullptr;
  bool accumulate = false;  // add to what y holds (a residual)
  const PackedMatrix* gate = nullptr;
  /// The product takes `tokens` rows of x from `first_token` on (0: all of them), and writes the
  /// i-th of them to row rows[i] of y (null: to row i). For experts, which share tokens out.
  int64_t first_token = 0;
  int64_t tokens = 0;
  const int32_t* rows = nullptr;
};

/// Computes several products of the same activations in one phase (query, key and value), whose
/// types may differ as long as activation_kind() is the same. Called by every worker at the start
/// of a phase; sync() before y is used. Does not allocate; uses 64 KiB of stack.
void matmul(std::span<const Product> products, const Activations& x, Worker& worker, Isa isa);

}  // namespace verge::kernels
