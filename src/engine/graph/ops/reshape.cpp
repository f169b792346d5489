// The same elements under another shape: {dims, symbols}, extent i being dims[i], times symbol
// symbols[i] unless that is -1.

#include <algorithm>
#include <cstring>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/type_check.hpp>

namespace verge::graph::ops {
namespace {

// The element count: a constant and the symbols it is multiplied with, sorted.
std::pair<int64_t, std::vector<SymbolId>> count_of(const Dims& dims) {
  int64_t constant = 1;
  std::vector<SymbolId> symbols;
  for (const Dim& dim : dims) {
    constant *= dim.factor;
    if (!dim.is_constant()) symbols.push_back(dim.symbol);
  }
  std::ranges::sort(symbols);
  return {constant, symbols};
}

Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const Dims dims = dims_of(context.node.attrs);
  if (const Status status = check_type(context.graph, {context.type(0).dtype, dims}); !status) {
    return context.fail(fmt::format("the new shape: {}", status.error().message));
  }
  if (count_of(dims) != count_of(context.dims(0))) {
    return context.fail(fmt::format("x {} does not have as many elements as {}",
                                    show_dims(context.graph, context.dims(0)),
                                    show_dims(context.graph, dims)));
  }
  context.outputs = {{context.type(0).dtype, dims}};
  return {};
}

// Needs nothing.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  context.set(0, b.op("reshape", {context.grad()}, dims_attrs(b.type(context.input(0)).dims)));
}

Cost cost(const KernelCall&) {
  return {};
}

void reference(const KernelCall& call) {
  if (call.out().data == call.in(0).data) return;
  std::memcpy(call.out().data, call.in(0).data, static_cast<size_t>(call.out().bytes()));
}

}  // namespace

OpDef reshape() {
  return {.name = "reshape",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference,
          .is_view = true};
}

}  // namespace verge::graph::ops
