#pragma once
// Matrix products with packed weights: y = W x for any number of tokens. One token runs at the
// speed of memory, many at that of the multiplier. The rounding of a result does not depend on the
// number of tokens beside it, of threads, or on who computes what.

#include <cstdint>
#include <span>

#include <verge/engine/kernels/activations.hpp>
#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/packed.hpp>

namespace verge::kernels {

/// y[token][row] = sum over col of weights[row][col] * x[token][col] (+ bias[row]) (+ residual).
/// With `gate`, a second matrix of the same type and shape: y = f(gate x) * (weights x + bias), f
/// being Silu or GeluTanh; Shazeer 2020, "GLU Variants Improve Transformer".
struct Product {
  PackedMatrix weights;
  float* y = nullptr;
  int64_t y_stride = 0;  // floats from one token's row of y to the next
  const float* bias = nullptr;
  const float* residual = nullptr;  // added; laid out as y is, and may be y
  const PackedMatrix* gate = nullptr;
  Activation gate_activation = Activation::Silu;
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

/// Asks the memory for what this worker reads first of a later product with one token, so that it
/// is not idle between two products.
void prefetch_weights(const PackedMatrix& weights, const Worker& worker);

}  // namespace verge::kernels
