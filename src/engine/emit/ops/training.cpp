// The ends of a training step: losses and updates.

#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>

namespace verge::emit::ops {
namespace {

constexpr std::string_view kCrossEntropy = R"(
/* The mean loss of the rows whose target is a class, and its gradient. */
static void op_softmax_cross_entropy(const float *logits, const int32_t *targets, float *loss,
                                     float *dlogits, long rows, long classes) {
  double total = 0;
  long counted = 0;
  for (long row = 0; row < rows; ++row) counted += targets[row] >= 0 && targets[row] < classes;
  for (long row = 0; row < rows; ++row) {
    const float *x = logits + row * classes;
    const int32_t target = targets[row];
    const int counts = target >= 0 && target < classes;
    const float own = counts ? x[target] : 0;
    float largest = x[0], sum = 0;
    for (long i = 1; i < classes; ++i) largest = fmaxf(largest, x[i]);
    for (long i = 0; i < classes; ++i) sum += expf(x[i] - largest);
    if (counts) total += largest + logf(sum) - own;
    for (long i = 0; i < classes && dlogits != NULL; ++i) {
      const float p = expf(x[i] - largest) / sum - (i == target ? 1 : 0);
      dlogits[row * classes + i] = counts ? p / (float)counted : 0;
    }
  }
  if (loss != NULL) *loss = counted > 0 ? (float)(total / (double)counted) : 0;
}
)";

void cross_entropy(CNode& node) {
  const Shape logits = node.in(0);
  node.call("op_softmax_cross_entropy", node.read(0), node.read(1, DType::I32), node.write(0),
            node.write(1), logits.rows(), logits.back());
}

constexpr std::string_view kMse = R"(
static void op_mse_loss(const float *x, const float *target, float *loss, long n) {
  double sum = 0;
  for (long i = 0; i < n; ++i) sum += (double)(x[i] - target[i]) * (x[i] - target[i]);
  *loss = (float)(sum / (double)n);
}
)";

constexpr std::string_view kMseGrad = R"(
static void op_mse_loss_grad(const float *x, const float *target, const float *dloss, float *dx,
                             long n) {
  for (long i = 0; i < n; ++i) dx[i] = 2 * *dloss / (float)n * (x[i] - target[i]);
}
)";

constexpr std::string_view kSgd = R"(
static void op_sgd(float *p, const float *grad, float *velocity, const float *lr, long n,
                   float decay, float momentum, int nesterov) {
  for (long i = 0; i < n; ++i) {
    const float g = grad[i] + decay * p[i];
    const float v = velocity == NULL ? g : momentum * velocity[i] + g;
    if (velocity != NULL) velocity[i] = v;
    p[i] -= *lr * (nesterov ? g + momentum * v : v);
  }
}
)";

void sgd(CNode& node) {
  const bool moves = node.has(2);
  node.call("op_sgd", node.write(0), node.read(1), node.write(1), node.read(3), node.in(0).count(),
            c_float(node.attrs().real("weight_decay", 0)),
            c_float(moves ? node.attrs().real("momentum", 0) : 0),
            node.attrs().integer("nesterov") != 0 ? 1 : 0);
}

constexpr std::string_view kSgdMatmul = R"(
/* p [m][n] = (1 - lr decay) p - lr a^T b: the gradient of a weight is never stored. */
static void op_sgd_matmul(float *p, const float *a, const float *b, const float *lr, long rows,
                          long m, long n, float decay) {
  for (long i = 0; i < m; ++i) {
    float *to = p + i * n;
    for (long j = 0; j < n; ++j) to[j] *= 1 - *lr * decay;
    for (long row = 0; row < rows; ++row) {
      const float factor = *lr * a[row * m + i];
      for (long j = 0; j < n; ++j) to[j] -= factor * b[row * n + j];
    }
  }
}
)";

void sgd_matmul(CNode& node) {
  node.call("op_sgd_matmul", node.write(), node.read(1), node.read(2), node.read(3),
            node.in(1).rows(), node.in(0)[0], node.in(0)[1],
            c_float(node.attrs().real("weight_decay", 0)));
}

constexpr std::string_view kAdamw = R"(
static void op_adamw(float *p, const float *grad, float *m, float *v, const int64_t *step,
                     const float *lr, long n, float beta1, float beta2, float eps, float decay) {
  const float first = 1 - powf(beta1, (float)*step), second = 1 - powf(beta2, (float)*step);
  for (long i = 0; i < n; ++i) {
    m[i] = beta1 * m[i] + (1 - beta1) * grad[i];
    v[i] = beta2 * v[i] + (1 - beta2) * grad[i] * grad[i];
    p[i] = (1 - *lr * decay) * p[i] - *lr * (m[i] / first) / (sqrtf(v[i] / second) + eps);
  }
}
)";

void adamw(CNode& node) {
  const graph::Attrs& attrs = node.attrs();
  node.call("op_adamw", node.write(0), node.read(1), node.write(1), node.write(2),
            node.read(4, DType::I64), node.read(5), node.in(0).count(),
            c_float(attrs.real("beta1", 0.9)), c_float(attrs.real("beta2", 0.999)),
            c_float(attrs.real("eps", 1e-8)), c_float(attrs.real("weight_decay", 0)));
}

constexpr std::string_view kLion = R"(
static void op_lion(float *p, const float *grad, float *m, const float *lr, long n, float beta1,
                    float beta2, float decay) {
  for (long i = 0; i < n; ++i) {
    const float way = beta1 * m[i] + (1 - beta1) * grad[i];
    p[i] = (1 - *lr * decay) * p[i] - *lr * (float)((way > 0) - (way < 0));
    m[i] = beta2 * m[i] + (1 - beta2) * grad[i];
  }
}
)";

void lion(CNode& node) {
  const graph::Attrs& attrs = node.attrs();
  node.call("op_lion", node.write(0), node.read(1), node.write(1), node.read(3), node.in(0).count(),
            c_float(attrs.real("beta1", 0.9)), c_float(attrs.real("beta2", 0.99)),
            c_float(attrs.real("weight_decay", 0)));
}

constexpr std::string_view kScatterChannels = R"(
/* The channels of a tensor that were updated alone go back into it. */
static void op_scatter_channels(float *p, const float *values, const int32_t *channels, long outer,
                                long extent, long count, long inner) {
  for (long o = 0; o < outer; ++o) {
    for (long c = 0; c < count; ++c) {
      memcpy(p + (o * extent + channels[c]) * inner, values + (o * count + c) * inner,
             (size_t)inner * sizeof *p);
    }
  }
}
)";

void scatter_channels(CNode& node) {
  const Shape p = node.in(0);
  const int64_t given = node.attrs().integer("axis");
  const auto axis = static_cast<int>(given < 0 ? given + p.rank() : given);
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= p[i];
  for (int i = axis + 1; i < p.rank(); ++i) inner *= p[i];
  node.call("op_scatter_channels", node.write(), node.read(1), node.read(2, DType::I32), outer,
            p[axis], node.in(2).count(), inner);
}

constexpr std::string_view kClipGrad = R"(
/* y = x, no longer than max_norm. */
static void op_clip_grad(const float *x, float *y, long n, float max_norm) {
  double squares = 0;
  float factor;
  for (long i = 0; i < n; ++i) squares += (double)x[i] * x[i];
  factor = squares > 0 ? fminf(1, max_norm / (float)sqrt(squares)) : 1;
  for (long i = 0; i < n; ++i) y[i] = x[i] * factor;
}
)";

}  // namespace

COpGroup training() {
  return {{
      {"softmax_cross_entropy", {}, std::string(kCrossEntropy), {}, 2, cross_entropy},
      {"mse_loss",
       {},
       std::string(kMse),
       {},
       2,
       [](CNode& node) {
         node.call("op_mse_loss", node.read(0), node.read(1), node.write(), node.in(0).count());
       }},
      {"mse_loss_grad",
       {},
       std::string(kMseGrad),
       {},
       3,
       [](CNode& node) {
         node.call("op_mse_loss_grad", node.read(0), node.read(1), node.read(2), node.write(),
                   node.in(0).count());
       }},
      {"sgd", {}, std::string(kSgd), {"momentum", "nesterov", "weight_decay"}, 4, sgd},
      {"sgd_matmul", {}, std::string(kSgdMatmul), {"weight_decay"}, 4, sgd_matmul},
      {"adamw", {}, std::string(kAdamw), {"beta1", "beta2", "eps", "weight_decay"}, 6, adamw},
      {"lion", {}, std::string(kLion), {"beta1", "beta2", "weight_decay"}, 4, lion},
      {"scatter_channels", {}, std::string(kScatterChannels), {"axis"}, 3, scatter_channels},
      {"clip_grad",
       {},
       std::string(kClipGrad),
       {"max_norm"},
       1,
       [](CNode& node) {
         node.call("op_clip_grad", node.read(0), node.write(), node.in(0).count(),
                   c_float(node.attrs().real("max_norm", 1)));
       }},
  }};
}

}  // namespace verge::emit::ops
