// Each token times the matrices of its chosen experts. The (token, expert) pairs are sorted by
// expert, so that each chosen expert's weights are read once a run, for all its tokens, and the
// others' not at all.

#include <algorithm>
#include <cstring>

#include <verge/engine/kernels/activation_layout.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/linear_call.hpp>

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

int64_t whole_lines(int64_t bytes) {
  return (bytes + 63) / 64 * 64;
}

int64_t row_bytes(const KernelCall& call) {
  return activation_stride(activation_kind(call.in(1).dtype), call.in(0).shape.back());
}

// What lies in the workspace.
struct Scratch {
  int64_t* counts;    // of products, and of pairs in them
  Product* products;  // one for each chosen expert
  int32_t* order;     // pairs, sorted by expert
  std::byte* inputs;  // prepared rows of x
  std::byte* sorted;  // the row of each pair of `order`
  int64_t bytes;

  explicit Scratch(const KernelCall& call) {
    const Sizes sizes(call);
    int64_t offset = 0;
    const auto take = [&](int64_t size) {
      std::byte* begin = call.workspace != nullptr ? call.workspace + offset : nullptr;
      offset += whole_lines(size);
      return begin;
    };
    counts = reinterpret_cast<int64_t*>(take(2 * sizeof(int64_t)));
    products = reinterpret_cast<Product*>(
        take(sizes.most_products * static_cast<int64_t>(sizeof(Product))));
    order = reinterpret_cast<int32_t*>(take(sizes.pairs * static_cast<int64_t>(sizeof(int32_t))));
    inputs = take(call.in(0).shape.rows() * row_bytes(call));
    sorted = take(sizes.pairs * row_bytes(call));
    bytes = offset;
  }
};

int64_t workspace_bytes(const KernelCall& call, int, Isa) {
  return Scratch(call).bytes;
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
void group_by_expert(const KernelCall& call, const Scratch& scratch) {
  const Sizes sizes(call);
  const int32_t* ids = call.in(2).as<int32_t>();
  const auto first_expert = static_cast<int32_t>(call.attrs.integer("first_matrix"));
  int64_t placed = 0, products = 0;
  for (int64_t expert = 0; expert < sizes.experts && placed < sizes.pairs; ++expert) {
    const int64_t first = placed;
    for (int64_t pair = 0; pair < sizes.pairs; ++pair) {
      if (ids[pair] - first_expert == expert) scratch.order[placed++] = static_cast<int32_t>(pair);
    }
    if (placed == first) continue;
    scratch.products[products++] = product_of(call, expert, scratch.order, first, placed);
  }
  scratch.counts[0] = products;
  scratch.counts[1] = placed;
}

// Some of the experts may be nobody's choice.
bool is_idle(const KernelCall& call) {
  const auto first = static_cast<int32_t>(call.attrs.integer("first_matrix"));
  const auto last = first + static_cast<int32_t>(call.in(1).shape[0]);
  return std::ranges::none_of(call.in(2).span<const int32_t>(),
                              [=](int32_t id) { return id >= first && id < last; });
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const Scratch scratch(call);
  const ActivationKind kind = activation_kind(call.in(1).dtype);
  const int64_t cols = call.in(0).shape[2];
  const Activations inputs{kind, call.in(0).shape.rows(), cols, scratch.inputs};
  if (worker.index() == 0) group_by_expert(call, scratch);
  prepare_activations(call.in(0).as<float>(), cols, inputs, worker, isa);
  worker.sync();
  // A row of x serves all of its token's experts, or is the one expert's own.
  const int64_t pairs = scratch.counts[1];
  const int64_t pairs_per_row = Sizes(call).pairs / std::max<int64_t>(1, inputs.tokens);
  const auto [first, last] = worker.split(pairs);
  for (int64_t i = first; i < last; ++i) {
    std::memcpy(scratch.sorted + i * row_bytes(call),
                scratch.inputs + scratch.order[i] / pairs_per_row * row_bytes(call),
                static_cast<size_t>(row_bytes(call)));
  }
  worker.sync();
  const Activations sorted{kind, pairs, cols, scratch.sorted};
  matmul(std::span(scratch.products, static_cast<size_t>(scratch.counts[0])), sorted, worker, isa);
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
