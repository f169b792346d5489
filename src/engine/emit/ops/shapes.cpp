// Operators that move elements, and those that pick them by index.

#include <verge/engine/emit/c_geometry.hpp>
#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::emit::ops {
namespace {

using graph::from_front;

constexpr std::string_view kMove = R"(
/* y = x, each with strides of its own. */
static void op_move(const float *x, float *y, const struct walk *walk) {
  for (long i = 0; i < walk->outer; ++i) {
    const float *from = x + offset_of(walk, 0, i);
    float *to = y + offset_of(walk, 1, i);
    for (long j = 0; j < walk->inner; ++j) to[j * walk->step[1]] = from[j * walk->step[0]];
  }
}
)";

std::vector<int64_t> dims_of(const Shape& shape) {
  return {shape.extents().begin(), shape.extents().end()};
}

// The pointer a number of elements further on.
std::string at(std::string pointer, int64_t elements) {
  return elements == 0 ? pointer : fmt::format("{} + {}", pointer, elements);
}

void move(CNode& node, const Shape& over, std::vector<int64_t> from, std::vector<int64_t> to,
          int64_t first_from = 0, int64_t first_to = 0, size_t input = 0) {
  node.call("op_move", at(node.read(input), first_from), at(node.write(), first_to),
            c_walk(dims_of(over), {std::move(from), std::move(to)}));
}

void transpose(CNode& node) {
  const std::vector<int64_t> x = row_major(node.in(0));
  std::vector<int64_t> strides;
  for (const int64_t axis : node.attrs().list("perm")) {
    strides.push_back(x[static_cast<size_t>(axis)]);
  }
  move(node, node.out(), strides, row_major(node.out()));
}

void broadcast_to(CNode& node) {
  move(node, node.out(), broadcast_strides(node.in(0), node.out()), row_major(node.out()));
}

void slice(CNode& node) {
  const std::vector<int64_t> x = row_major(node.in(0));
  const int axis = from_front(node.attrs().integer("axis"), x.size());
  const int64_t first = node.attrs().integer("start") * x[static_cast<size_t>(axis)];
  move(node, node.out(), x, row_major(node.out()), first);
}

void concat(CNode& node) {
  const std::vector<int64_t> y = row_major(node.out());
  const int axis = from_front(node.attrs().integer("axis"), y.size());
  int64_t first = 0;
  for (size_t i = 0; i < node.inputs(); ++i) {
    const Shape x = node.in(i);
    if (x.count() > 0) move(node, x, row_major(x), y, 0, first, i);
    first += x[axis] * y[static_cast<size_t>(axis)];
  }
}

constexpr std::string_view kFill = R"(
static void op_fill(float *y, long n, float value) {
  for (long i = 0; i < n; ++i) y[i] = value;
}
)";

void pad(CNode& node) {
  const std::vector<int64_t> y = row_major(node.out());
  int64_t first = 0;
  for (size_t axis = 0; axis < y.size(); ++axis) {
    first += node.attrs().list("before")[axis] * y[axis];
  }
  node.call("op_fill", node.write(), node.out().count(), c_float(node.attrs().real("value", 0)));
  if (node.in(0).count() > 0) move(node, node.in(0), row_major(node.in(0)), y, 0, first);
}

constexpr std::string_view kGather = R"(
/* y = x[outer][index][inner]; an index below 0 counts from the end, one beyond takes the nearest. */
static void op_gather(const float *x, const float *indices, float *y, long outer, long n,
                      long count, long inner) {
  for (long i = 0; i < outer * count; ++i) {
    const float index = indices[i % count];
    const float from_start = index < 0 ? index + (float)n : index;
    const long at = from_start >= 0 ? (long)fminf(from_start, (float)(n - 1)) : 0;
    memcpy(y + i * inner, x + (i / count * n + at) * inner, (size_t)inner * sizeof(float));
  }
}
)";

void gather(CNode& node) {
  const Shape x = node.in(0);
  const int axis = from_front(node.attrs().integer("axis"), static_cast<size_t>(x.rank()));
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < x.rank(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : x[i];
  node.call("op_gather", node.read(0), node.read(1), node.write(), outer, x[axis],
            node.in(1).count(), inner);
}

constexpr std::string_view kGatherGrad = R"(
/* dx[outer][index][inner] = the sum of what was taken from there. */
static void op_gather_grad(const float *indices, const float *dy, float *dx, long outer, long n,
                           long count, long inner) {
  for (long i = 0; i < outer * n * inner; ++i) dx[i] = 0;
  for (long i = 0; i < outer * count; ++i) {
    const float index = indices[i % count];
    const float from_start = index < 0 ? index + (float)n : index;
    const long at = from_start >= 0 ? (long)fminf(from_start, (float)(n - 1)) : 0;
    float *to = dx + (i / count * n + at) * inner;
    for (long j = 0; j < inner; ++j) to[j] += dy[i * inner + j];
  }
}
)";

void gather_grad(CNode& node) {
  const Shape x = node.out();
  const int axis = from_front(node.attrs().integer("axis"), static_cast<size_t>(x.rank()));
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < x.rank(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : x[i];
  node.call("op_gather_grad", node.read(0), node.read(1), node.write(), outer, x[axis],
            node.in(0).count(), inner);
}

constexpr std::string_view kRows = R"(
/* y = x[index] * scale; x [n][width]; an index beyond x takes the nearest row. */
static void op_rows(const float *x, const int32_t *indices, float *y, long n, long count,
                    long width, float scale) {
  for (long i = 0; i < count * width; ++i) {
    const long index = indices[i / width] < n ? indices[i / width] : n - 1;
    y[i] = x[(index > 0 ? index : 0) * width + i % width] * scale;
  }
}
)";

void rows(CNode& node) {
  node.call("op_rows", node.read(0), node.read(1, DType::I32), node.write(), node.in(0)[0],
            node.in(1).count(), node.in(0)[1], c_float(node.attrs().real("scale", 1)));
}

constexpr std::string_view kBlockRows = R"(
/* The same of a table in blocks, rows of `row_bytes`. */
static void op_rows_of_blocks(const unsigned char *x, const int32_t *indices, float *y, long n,
                              long count, long width, float scale, long row_bytes,
                              void (*row_of)(const unsigned char *, float *, long)) {
  for (long i = 0; i < count; ++i, y += width) {
    const long index = indices[i] < n ? indices[i] : n - 1;
    row_of(x + (index > 0 ? index : 0) * row_bytes, y, width);
    for (long j = 0; j < width; ++j) y[j] *= scale;
  }
}
)";

void embedding(CNode& node) {
  const CWeights table = node.weights(0);
  if (table.blocks == nullptr) {
    node.use(kRows);
    return rows(node);
  }
  node.use_row(*table.blocks);
  node.use(kBlockRows);
  const Shape shape = node.in(0);
  node.call("op_rows_of_blocks", table.pointer, node.read(1, DType::I32), node.write(), shape[0],
            node.in(1).count(), shape[1], c_float(node.attrs().real("scale", 1)),
            bytes_of(table.blocks->dtype, shape[1]), fmt::format("row_{}", table.blocks->name));
}

}  // namespace

COpGroup shapes() {
  return {{
      {"transpose", {kWalk}, std::string(kMove), {"perm"}, 1, transpose},
      {"broadcast_to", {kWalk}, std::string(kMove), {"dims", "symbols"}, 1, broadcast_to},
      {"slice", {kWalk}, std::string(kMove), {"axis", "size", "start"}, 1, slice},
      {"concat", {kWalk}, std::string(kMove), {"axis"}, 0, concat},
      {"pad", {kWalk, kFill}, std::string(kMove), {"after", "before", "value"}, 1, pad},
      {"gather", {}, std::string(kGather), {"axis"}, 2, gather},
      {"gather_grad", {}, std::string(kGatherGrad), {"axis", "dims", "symbols"}, 2, gather_grad},
      {"gather_rows", {}, std::string(kRows), {}, 2, rows},
      {"embedding", {}, "", {"scale"}, 2, embedding},
  }};
}

}  // namespace verge::emit::ops
