// The matrix product a b. {transpose_a, transpose_b} take a matrix by its columns; {batched}
// multiplies matrix by matrix over equal leading extents, otherwise leading extents are rows:
//   a [..., k] b [k, n] -> [..., n];  with transpose_a: a [..., m], b [..., n] -> [m, n].

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

constexpr int64_t kYes = 1;

struct Flags {
  bool a;  // transpose_a
  bool b;
  bool batched;

  explicit Flags(const Attrs& attrs)
      : a(attrs.integer("transpose_a") != 0),
        b(attrs.integer("transpose_b") != 0),
        batched(attrs.integer("batched") != 0) {}
};

Status infer_batched(InferContext& context, const Flags& flags) {
  const Dims &a = context.dims(0), &b = context.dims(1);
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "b", context.rank(0)));
  Dims expected = leading_dims(a, 2);
  const Dim k = a[a.size() - (flags.a ? 2 : 1)], n = b[b.size() - (flags.b ? 2 : 1)];
  expected.push_back(flags.b ? n : k);
  expected.push_back(flags.b ? k : n);
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "b", expected));
  Dims y = leading_dims(a, 2);
  y.push_back(a[a.size() - (flags.a ? 1 : 2)]);
  y.push_back(n);
  context.outputs = {{compute_dtype(context.type(0).dtype), y}};
  return {};
}

Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  const Flags flags(context.node.attrs);
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "a", flags.batched || flags.a ? 2 : 1));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 1, "b", 2));
  if (flags.batched) return infer_batched(context, flags);
  const Dims &a = context.dims(0), &b = context.dims(1);
  Dims y;
  if (flags.a) {
    if (flags.b) return context.fail("transpose_a and transpose_b exclude each other");
    Dims expected = leading_dims(a);
    expected.push_back(b.back());
    VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "b", expected));
    y = {a.back(), b.back()};
  } else {
    VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "b", 2));
    VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "b", flags.b ? 1 : 0, a.back()));
    y = a;
    y.back() = b[flags.b ? 0 : 1];
  }
  context.outputs = {{compute_dtype(context.type(0).dtype), y}};
  return {};
}

Attrs attrs_of(bool transpose_a, bool transpose_b, bool batched) {
  Attrs attrs;
  if (transpose_a) attrs.set("transpose_a", kYes);
  if (transpose_b) attrs.set("transpose_b", kYes);
  if (batched) attrs.set("batched", kYes);
  return attrs;
}

// da needs b, db needs a.
void gradient(GradientContext& context) {
  Builder& builder = context.builder;
  const Flags flags(context.node.attrs);
  const ValueId a = context.input(0), b = context.input(1), dy = context.grad();
  if (context.needs(0)) {
    context.set(0, flags.a
                       ? builder.op("matmul", {b, dy}, attrs_of(flags.b, true, flags.batched))
                       : builder.op("matmul", {dy, b}, attrs_of(false, !flags.b, flags.batched)));
  }
  if (context.needs(1)) {
    context.set(1, flags.b
                       ? builder.op("matmul", {dy, a}, attrs_of(true, flags.a, flags.batched))
                       : builder.op("matmul", {a, dy}, attrs_of(!flags.a, false, flags.batched)));
  }
}

// The call as `batch` products of m x k by k x n.
struct Extents {
  size_t batch, m, k, n;

  explicit Extents(const KernelCall& call) {
    const Flags flags(call.attrs);
    const Shape &a = call.in(0).shape, &b = call.in(1).shape;
    const auto columns = static_cast<size_t>(a.back());
    batch = 1;
    size_t rows = static_cast<size_t>(a.rows());
    if (flags.batched) {
      rows = static_cast<size_t>(a[a.rank() - 2]);
      batch = static_cast<size_t>(a.rows()) / std::max<size_t>(1, rows);
    }
    m = flags.a ? columns : rows;
    k = flags.a ? rows : columns;
    n = static_cast<size_t>(flags.b ? b[b.rank() - 2] : b.back());
  }
};

Cost cost(const KernelCall& call) {
  const Extents e(call);
  const double m = static_cast<double>(e.batch * e.m), n = static_cast<double>(e.n);
  return {2 * m * n * static_cast<double>(e.k),
          static_cast<double>(call.in(0).bytes() + call.in(1).bytes()) + 4 * m * n};
}

void reference(const KernelCall& call) {
  const Flags flags(call.attrs);
  const Extents e(call);
  const std::vector<double> a = load(call.in(0)), b = load(call.in(1));
  std::vector<double> y(e.batch * e.m * e.n);
  for (size_t batch = 0; batch < e.batch; ++batch) {
    const double* left = a.data() + batch * e.m * e.k;
    const double* right = b.data() + batch * e.k * e.n;
    for (size_t i = 0; i < e.m; ++i) {
      for (size_t j = 0; j < e.n; ++j) {
        double sum = 0;
        for (size_t k = 0; k < e.k; ++k) {
          sum += left[flags.a ? k * e.m + i : i * e.k + k] *
                 right[flags.b ? j * e.k + k : k * e.n + j];
        }
        y[(batch * e.m + i) * e.n + j] = sum;
      }
    }
  }
  store(call.out(), y);
}

}  // namespace

OpDef matmul() {
  return {
      .name = "matmul", .infer = infer, .gradient = gradient, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
