// f(x Wg^T) * (x Wu^T), f being silu or gelu, in one pass over both matrices (Shazeer 2020).

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/linear_call.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

bool supports(const KernelCall& call) {
  return call.in(0).dtype == DType::F32 && call.is_packed(1) && call.is_packed(2) &&
         call.in(1).dtype == call.in(2).dtype;
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const Activations x = prepare(call, call.in(1).dtype, RowNorm(call, 3), worker, isa);
  const PackedMatrix gate = packed_matrix(call.in(1));
  const Product product{.weights = packed_matrix(call.in(2)),
                        .y = call.out().as<float>(),
                        .y_stride = call.out().shape.back(),
                        .gate = &gate,
                        .gate_activation = call.attrs.text("activation") == "gelu"
                                               ? Activation::GeluTanh
                                               : Activation::Silu};
  matmul(std::span(&product, 1), x, worker, isa);
}

}  // namespace

KernelDef linear_glu() {
  return {
      .op = "linear_glu",
      .supports = supports,
      .run = run,
      .workspace_bytes = [](const KernelCall& call, int threads,
                            Isa) { return activations_workspace(call, call.in(1).dtype, threads); },
      .wants_packed = [](const KernelCall& call,
                         size_t input) { return input > 0 && wants_packed_weight(call, input); },
      .row_products = [](const KernelCall&) -> std::vector<RowProduct> {
        using enum RowProduct::Role;
        return {{{{0, Whole}, {1, Weight}, {2, Weight}, {3, Whole}}, 0}};
      }};
}

}  // namespace verge::kernels::ops
