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
};

/// Computes several products of the same activations in one phase (query, key and value), whose
/// types may differ as long as activation_kind() is the same. Called by every worker at the start
/// of a phase; sync() before y is used. Does not allocate; uses 64 KiB of stack.
void matmul(std::span<const Product> products, const Activations& x, Worker& worker, Isa isa);

}  // namespace verge::kernels
