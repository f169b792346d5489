// Matrix products.

#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>

namespace verge::emit::ops {
namespace {

constexpr std::string_view kLinear = R"(
/* y = activation(x w^T + bias) + residual: x [rows][in], w [out][in]. */
static void op_linear(const float *x, const float *w, const float *bias, const float *residual,
                      float *y, long rows, long in, long out, enum activation kind) {
  for (long row = 0; row < rows; ++row) {
    for (long o = 0; o < out; ++o) {
      const long i = row * out + o;
      const float sum = dot(x + row * in, w + o * in, in) + (bias == NULL ? 0 : bias[o]);
      y[i] = activate(kind, sum) + (residual == NULL ? 0 : residual[i]);
    }
  }
}
)";

constexpr std::string_view kLinearBlocks = R"(
/* The same of weights in blocks, rows of `row_bytes`. */
static void op_linear_blocks(const float *x, const unsigned char *w, const float *bias,
                             const float *residual, float *y, long rows, long in, long out,
                             enum activation kind, long row_bytes,
                             float (*dot_of)(const float *, const unsigned char *, long)) {
  for (long row = 0; row < rows; ++row) {
    for (long o = 0; o < out; ++o) {
      const long i = row * out + o;
      const float sum = dot_of(x + row * in, w + o * row_bytes, in) + (bias == NULL ? 0 : bias[o]);
      y[i] = activate(kind, sum) + (residual == NULL ? 0 : residual[i]);
    }
  }
}
)";

void linear(CNode& node) {
  const Shape w = node.in(1);
  const CWeights weights = node.weights(1);
  if (weights.blocks == nullptr) {
    node.use(kDot);
    node.use(kLinear);
    return node.call("op_linear", node.read(0), weights.pointer, node.read(2), node.read(3),
                     node.write(), node.in(0).rows(), w[1], w[0], node.activation());
  }
  node.use_dot(*weights.blocks);
  node.use(kLinearBlocks);
  node.call("op_linear_blocks", node.read(0), weights.pointer, node.read(2), node.read(3),
            node.write(), node.in(0).rows(), w[1], w[0], node.activation(),
            bytes_of(weights.blocks->dtype, w[1]), fmt::format("dot_{}", weights.blocks->name));
}

constexpr std::string_view kMatmul = R"(
/* y [batch][m][n] = a b: a [m][k], or [k][m] where it is transposed; b [k][n] or [n][k]. */
static void op_matmul(const float *a, const float *b, float *y, long batch, long m, long k, long n,
                      int transpose_a, int transpose_b) {
  for (long i = 0; i < batch * m; ++i) {
    const float *left = a + i / m * m * k, *right = b + i / m * k * n;
    const long row = i % m;
    float *to = y + i * n;
    if (transpose_b && !transpose_a) {
      for (long j = 0; j < n; ++j) to[j] = dot(left + row * k, right + j * k, k);
      continue;
    }
    for (long j = 0; j < n; ++j) to[j] = 0;
    for (long p = 0; p < k; ++p) {
      const float v = left[transpose_a ? p * m + row : row * k + p];
      const float *from = right + (transpose_b ? p : p * n);
      const long step = transpose_b ? k : 1;
      for (long j = 0; j < n; ++j) to[j] += v * from[j * step];
    }
  }
}
)";

void matmul(CNode& node) {
  const Shape a = node.in(0), b = node.in(1);
  const bool transpose_a = node.attrs().integer("transpose_a") != 0;
  const bool transpose_b = node.attrs().integer("transpose_b") != 0;
  int64_t rows = a.rows(), batch = 1;
  if (node.attrs().integer("batched") != 0) {
    rows = a[a.rank() - 2];
    batch = a.rows() / std::max<int64_t>(rows, 1);
  }
  const int64_t columns = a.back();
  node.call("op_matmul", node.read(0), node.read(1), node.write(), batch,
            transpose_a ? columns : rows, transpose_a ? rows : columns,
            transpose_b ? b[b.rank() - 2] : b.back(), transpose_a ? 1 : 0, transpose_b ? 1 : 0);
}

}  // namespace

COpGroup products() {
  return {{
      {"linear", {kActivation}, "", {"activation"}, 4, linear},
      {"matmul",
       {kDot},
       std::string(kMatmul),
       {"batched", "transpose_a", "transpose_b"},
       2,
       matmul},
  }};
}

}  // namespace verge::emit::ops
