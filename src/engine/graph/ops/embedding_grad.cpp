// The gradient of a table read by ids: dtable[ids[i]] += dy[i], dense, in the order of i.

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: ids i32 [n...], dy [n..., d], and `like` [rows, d], of which only the extents are used;
// without it {dims, symbols} of one extent name the rows. Output dtable [rows, d].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 0, "ids", DType::I32));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 1, "dy", 1));
  Dims expected = context.dims(0);
  expected.push_back(context.dims(1).back());
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "dy", expected));
  Dims rows = dims_of(context.node.attrs);
  if (context.has(2)) {
    VERGE_RETURN_IF_ERROR(expect_rank(context, 2, "like", 2));
    VERGE_RETURN_IF_ERROR(expect_dim(context, 2, "like", 1, expected.back()));
    rows = {context.dims(2)[0]};
  }
  if (rows.size() != 1) return context.fail("neither `like` nor dims says how many rows there are");
  context.outputs = {{compute_dtype(context.type(1).dtype), {rows[0], expected.back()}}};
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(1).shape.count());
  return {count, 8 * count + 4 * static_cast<double>(call.out().shape.count())};
}

void reference(const KernelCall& call) {
  const std::vector<double> ids = load(call.in(0)), dy = load(call.in(1));
  const auto d = static_cast<size_t>(call.out().shape[1]);
  std::vector<double> table(static_cast<size_t>(call.out().shape.count()));
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto row = static_cast<size_t>(ids[i]);
    VERGE_CHECK(row * d < table.size(), row, call.out().shape.str());
    for (size_t j = 0; j < d; ++j) table[row * d + j] += dy[i * d + j];
  }
  store(call.out(), table);
}

}  // namespace

OpDef embedding_grad() {
  return {.name = "embedding_grad", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
