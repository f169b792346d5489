// Several linear layers of one input: the activations are prepared once, and all rows of all
// weights form one pool of work.

#include <algorithm>
#include <array>

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/linear_call.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

constexpr size_t kMostProducts = 4;

size_t products_of(const KernelCall& call) {
  return (call.inputs.size() - 1) / 2;
}

// Behind the pairs, where the call has a norm.
size_t norm_of(const KernelCall& call) {
  return 1 + 2 * products_of(call);
}

bool supports(const KernelCall& call) {
  if (call.in(0).dtype != DType::F32 || products_of(call) > kMostProducts) return false;
  for (size_t i = 0; i < products_of(call); ++i) {
    const size_t weight = 1 + 2 * i;
    if (!call.is_packed(weight)) return false;
    if (activation_kind(call.in(weight).dtype) != activation_kind(call.in(1).dtype)) return false;
  }
  return true;
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const Activations x = prepare(call, call.in(1).dtype, RowNorm(call, norm_of(call)), worker, isa);
  std::array<Product, kMostProducts> products;
  for (size_t i = 0; i < products_of(call); ++i) {
    products[i] = {.weights = packed_matrix(call.in(1 + 2 * i)),
                   .y = call.out(i).as<float>(),
                   .y_stride = call.out(i).shape.back(),
                   .bias = call.has(2 + 2 * i) ? call.in(2 + 2 * i).as<float>() : nullptr};
  }
  matmul(std::span(products).first(products_of(call)), x, worker, isa);
}

std::vector<RowProduct> row_products(const KernelCall& call) {
  using enum RowProduct::Role;
  std::vector<RowProduct> products;
  for (size_t i = 0; i < products_of(call); ++i) {
    products.push_back(
        {{{0, Whole}, {1 + 2 * i, Weight}, {2 + 2 * i, Bias}, {norm_of(call), Whole}}, i});
  }
  return products;
}

}  // namespace

KernelDef linear_multi() {
  return {
      .op = "linear_multi",
      .supports = supports,
      .run = run,
      .workspace_bytes = [](const KernelCall& call, int threads,
                            Isa) { return activations_workspace(call, call.in(1).dtype, threads); },
      .wants_packed =
          [](const KernelCall& call, size_t input) {
            return input % 2 == 1 && wants_packed_weight(call, input);
          },
      .row_products = row_products};
}

}  // namespace verge::kernels::ops
