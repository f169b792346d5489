// Each token times the matrices of its chosen experts. Activations are prepared once for each
// token; one product for each (token, expert) pair, so that a step reads only the experts that were
// chosen.

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/linear_call.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

bool supports(const KernelCall& call) {
  return call.in(0).dtype == DType::F32 && call.is_packed(1) &&
         call.in(1).shape[1] % kGroupRows == 0;
}

int64_t row_bytes(const KernelCall& call) {
  return activation_bytes(activation_kind(call.in(1).dtype), 1, call.in(0).shape.back());
}

int64_t workspace_bytes(const KernelCall& call, int) {
  return call.in(0).shape.rows() * row_bytes(call);
}

Activations row_of(const KernelCall& call, int64_t row) {
  return {activation_kind(call.in(1).dtype), 1, call.in(0).shape.back(),
          call.workspace + row * row_bytes(call)};
}

PackedMatrix expert(const TensorView& weights, int64_t index) {
  const int64_t rows = weights.shape[1], cols = weights.shape[2];
  return {weights.dtype, rows, cols,
          weights.as<std::byte>() + index * packed_bytes(weights.dtype, rows, cols)};
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const int64_t inputs = call.in(0).shape[1], cols = call.in(0).shape[2];
  const int64_t tokens = call.in(2).shape[0], chosen = call.in(2).shape[1],
                out = call.in(1).shape[1];
  for (int64_t row = 0; row < tokens * inputs; ++row) {
    prepare_activations(call.in(0).as<float>() + row * cols, cols, row_of(call, row), worker, isa);
  }
  worker.sync();
  for (int64_t pair = 0; pair < tokens * chosen; ++pair) {
    const int64_t input = pair / chosen * inputs + (inputs == 1 ? 0 : pair % chosen);
    const Product product{.weights = expert(call.in(1), call.in(2).as<int32_t>()[pair]),
                          .y = call.out().as<float>() + pair * out,
                          .y_stride = out};
    matmul(std::span(&product, 1), row_of(call, input), worker, isa);
    worker.sync();
  }
}

}  // namespace

KernelDef expert_linear() {
  return {.op = "expert_linear",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes,
          .wants_packed = [](const KernelCall& call, size_t input) {
            return input == 1 && wants_packed_weight(call, input);
          }};
}

}  // namespace verge::kernels::ops
