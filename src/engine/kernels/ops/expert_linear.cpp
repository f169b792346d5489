// Each token times the matrices of its chosen experts. The (token, expert) pairs are sorted by
// expert, so that each chosen expert's weights are read once a run, for all its tokens, and the
// others' not at all.

#include <algorithm>
#include <cstring>

#include <verge/engine/kernels/activation_layout.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/linear_call.hpp>
#include <verge/engine/kernels/scratch.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

bool supports(const KernelCall& call) {
  return call.in(0).dtype == DType::F32 && call.is_packed(1) &&
         call.in(1).shape[1] % kGroupRows == 0;
}

struct Sizes {
  int64_t pairs, experts, most_products;

  explicit Sizes(const KernelCall& call)
      : pairs(call.in(2).shape.count()),
        experts(call.in(1).shape[0]),
        most_products(std::min(pairs, experts)) {}
};

int64_t row_bytes(const KernelCall& call) {
  return activation_stride(activation_kind(call.in(1).dtype), call.in(0).shape.back());
}

// What lies in the workspace.
struct Workspace {
  int64_t* counts;    // of products, and of pairs in them
  Product* products;  // one for each chosen expert
  int32_t* order;     // pairs, sorted by expert
  std::byte* inputs;  // prepared rows of x
  std::byte* sorted;  // the row of each pair of `order`
  int64_t bytes;

  explicit Workspace(const KernelCall& call) {
    const Sizes sizes(call);
    Scratch scratch(call.workspace);
    counts = scratch.take<int64_t>(2);
    products = scratch.take<Product>(sizes.most_products);
    order = scratch.take<int32_t>(sizes.pairs);
    inputs = scratch.take<std::byte>(call.in(0).shape.rows() * row_bytes(call));
    sorted = scratch.take<std::byte>(sizes.pairs * row_bytes(call));
    bytes = scratch.used();
  }
};

int64_t workspace_bytes(const KernelCall& call, int, Isa) {
  return Workspace(call).bytes;
}

Product product_of(const KernelCall& call, int64_t expert, const int32_t* order, int64_t first,
                   int64_t last) {
  const TensorView& weights = call.in(1);
  const int64_t out = weights.shape[1], cols = weights.shape[2];
  return {.weights = {weights.dtype, out, cols,
                      weights.as<std::byte>() + expert * packed_bytes(weights.dtype, out, cols)},
          .y = call.out().as<float>(),
          .y_stride = call.out().shape.back(),
          .first_token = first,
          .tokens = last - first,
          .rows = order + first};
}

// Sorts the pairs of the call's experts by expert, keeping the tokens' order, and makes a product
// of each group.
void group_by_expert(const KernelCall& call, const Workspace& space) {
  const Sizes sizes(call);
  const int32_t* ids = call.in(2).as<int32_t>();
  const auto first_expert = static_cast<int32_t>(call.attrs.integer("first_matrix"));
  int64_t placed = 0, products = 0;
  for (int64_t expert = 0; expert < sizes.experts && placed < sizes.pairs; ++expert) {
    const int64_t first = placed;
    for (int64_t pair = 0; pair < sizes.pairs; ++pair) {
      if (ids[pair] - first_expert == expert) space.order[placed++] = static_cast<int32_t>(pair);
    }
    if (placed == first) continue;
    space.products[products++] = product_of(call, expert, space.order, first, placed);
  }
  space.counts[0] = products;
  space.counts[1] = placed;
}

// Some of the experts may be nobody's choice.
bool is_idle(const KernelCall& call) {
  const auto first = static_cast<int32_t>(call.attrs.integer("first_matrix"));
  const auto last = first + static_cast<int32_t>(call.in(1).shape[0]);
  return std::ranges::none_of(call.in(2).span<const int32_t>(),
                              [=](int32_t id) { return id >= first && id < last; });
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const Workspace space(call);
  const ActivationKind kind = activation_kind(call.in(1).dtype);
  const int64_t cols = call.in(0).shape[2];
  const Activations inputs{kind, call.in(0).shape.rows(), cols, space.inputs};
  if (worker.index() == 0) group_by_expert(call, space);
  prepare_activations(call.in(0).as<float>(), cols, inputs, worker, isa);
  worker.sync();
  // A row of x serves all of its token's experts, or is the one expert's own.
  const int64_t pairs = space.counts[1];
  const int64_t pairs_per_row = Sizes(call).pairs / std::max<int64_t>(1, inputs.tokens);
  const auto [first, last] = worker.split(pairs);
  for (int64_t i = first; i < last; ++i) {
    std::memcpy(space.sorted + i * row_bytes(call),
                space.inputs + space.order[i] / pairs_per_row * row_bytes(call),
                static_cast<size_t>(row_bytes(call)));
  }
  worker.sync();
  const Activations sorted{kind, pairs, cols, space.sorted};
  matmul(std::span(space.products, static_cast<size_t>(space.counts[0])), sorted, worker, isa);
}

}  // namespace

KernelDef expert_linear() {
  return {
      .op = "expert_linear",
      .supports = supports,
      .run = run,
      .is_idle = is_idle,
      .workspace_bytes = workspace_bytes,
      .wants_packed = [](const KernelCall& call,
                         size_t input) { return input == 1 && wants_packed_weight(call, input); },
      .row_products = [](const KernelCall&) -> std::vector<RowProduct> {
        using enum RowProduct::Role;
        return {{{{0, Whole}, {1, Weight}, {2, Selector}}, 0}};
      }};
}

}  // namespace verge::kernels::ops
