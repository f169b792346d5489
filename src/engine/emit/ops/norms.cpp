// Normalizations and softmax, with the gradients that training small networks needs.

#include <verge/engine/emit/c_op.hpp>

namespace verge::emit::ops {
namespace {

constexpr std::string_view kBatchNorm = R"(
static void op_batch_norm(const float *x, const float *scale, const float *bias, const float *mean,
                          const float *variance, float *y, long n, long channels, long area,
                          float eps) {
  for (long plane = 0; plane < n * channels; ++plane) {
    const long c = plane % channels;
    const float factor = scale[c] / sqrtf(variance[c] + eps);
    for (long i = plane * area; i < (plane + 1) * area; ++i) {
      y[i] = (x[i] - mean[c]) * factor + bias[c];
    }
  }
}
)";

void batch_norm(CNode& node) {
  const Shape x = node.in(0);
  node.call("op_batch_norm", node.read(0), node.read(1), node.read(2), node.read(3), node.read(4),
            node.write(), x[0], x[1], x[2] * x[3], c_float(node.attrs().real("eps", 1e-5)));
}

constexpr std::string_view kBatchNormGrad = R"(
/* Of given statistics; x and mean are there where the scale learns. */
static void op_batch_norm_grad(const float *dy, const float *scale, const float *variance,
                               const float *x, const float *mean, float *dx, float *dbias,
                               float *dscale, long n, long channels, long area, float eps) {
  for (long c = 0; c < channels; ++c) {
    const float rstd = 1 / sqrtf(variance[c] + eps);
    double bias_sum = 0, scale_sum = 0;
    for (long b = 0; b < n; ++b) {
      for (long i = (b * channels + c) * area; i < (b * channels + c + 1) * area; ++i) {
        bias_sum += dy[i];
        if (dscale != NULL) scale_sum += (double)dy[i] * (x[i] - mean[c]);
        if (dx != NULL) dx[i] = dy[i] * scale[c] * rstd;
      }
    }
    if (dbias != NULL) dbias[c] = (float)bias_sum;
    if (dscale != NULL) dscale[c] = (float)(scale_sum * rstd);
  }
}
)";

void batch_norm_grad(CNode& node) {
  const Shape dy = node.in(0);
  node.call("op_batch_norm_grad", node.read(0), node.read(1), node.read(2), node.read(3),
            node.read(4), node.write(0), node.write(1), node.write(2), dy[0], dy[1], dy[2] * dy[3],
            c_float(node.attrs().real("eps", 1e-5)));
}

constexpr std::string_view kBatchNormLive = R"(
/* By the batch's own mean and variance, which also move the running ones. */
static void op_batch_norm_live(const float *x, const float *scale, const float *bias, float *mean,
                               float *variance, float *y, float *saved_mean, float *saved_rstd,
                               long n, long channels, long area, float eps, float momentum,
                               int relu) {
  const double count = (double)n * (double)area;
  for (long c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    float m, rstd;
    for (long b = 0; b < n; ++b) {
      const float *from = x + (b * channels + c) * area;
      for (long i = 0; i < area; ++i) sum += from[i];
    }
    for (long b = 0; b < n; ++b) {
      const float *from = x + (b * channels + c) * area;
      for (long i = 0; i < area; ++i) squares += (from[i] - sum / count) * (from[i] - sum / count);
    }
    m = (float)(sum / count);
    rstd = (float)(1 / sqrt(squares / count + eps));
    mean[c] += momentum * (m - mean[c]);
    variance[c] += momentum * ((float)(squares / (count > 1 ? count - 1 : 1)) - variance[c]);
    if (saved_mean != NULL) saved_mean[c] = m;
    if (saved_rstd != NULL) saved_rstd[c] = rstd;
    for (long b = 0; b < n; ++b) {
      for (long i = (b * channels + c) * area; i < (b * channels + c + 1) * area; ++i) {
        const float value = (x[i] - m) * rstd * scale[c] + bias[c];
        y[i] = relu && value < 0 ? 0 : value;
      }
    }
  }
}
)";

void batch_norm_live(CNode& node) {
  const Shape x = node.in(0);
  node.call("op_batch_norm_live", node.read(0), node.read(1), node.read(2), node.write(1),
            node.write(2), node.write(), node.write(3), node.write(4), x[0], x[1], x[2] * x[3],
            c_float(node.attrs().real("eps", 1e-5)), c_float(node.attrs().real("momentum", 0.1)),
            node.attrs().text("activation", "none") == "relu" ? 1 : 0);
}

constexpr std::string_view kBatchNormLiveGrad = R"(
/* bias is there where a ReLU follows: dy counts where the norm gave more than 0. */
static void op_batch_norm_live_grad(const float *x, const float *scale, const float *mean,
                                    const float *rstd, const float *dy, const float *bias,
                                    float *dx, float *dscale, float *dbias, long n, long channels,
                                    long area) {
  const double count = (double)n * (double)area;
  for (long c = 0; c < channels; ++c) {
    double sum = 0, weighted = 0;
    for (int pass = 0; pass < 2; ++pass) {
      for (long b = 0; b < n; ++b) {
        for (long i = (b * channels + c) * area; i < (b * channels + c + 1) * area; ++i) {
          const float h = (x[i] - mean[c]) * rstd[c];
          const float d = bias != NULL && !(h * scale[c] + bias[c] > 0) ? 0 : dy[i];
          if (pass == 0) {
            sum += d;
            weighted += (double)d * h;
          } else if (dx != NULL) {
            dx[i] = scale[c] * rstd[c] * (d - (float)(sum / count) - h * (float)(weighted / count));
          }
        }
      }
    }
    if (dscale != NULL) dscale[c] = (float)weighted;
    if (dbias != NULL) dbias[c] = (float)sum;
  }
}
)";

void batch_norm_live_grad(CNode& node) {
  const Shape x = node.in(0);
  node.call("op_batch_norm_live_grad", node.read(0), node.read(1), node.read(2), node.read(3),
            node.read(4), node.read(5), node.write(0), node.write(1), node.write(2), x[0], x[1],
            x[2] * x[3]);
}

constexpr std::string_view kLayerNorm = R"(
static void op_layer_norm(const float *x, const float *weight, const float *bias, float *y,
                          float *means, float *rstds, long rows, long n, float eps) {
  for (long row = 0; row < rows; ++row, x += n, y += n) {
    double sum = 0, squares = 0;
    float mean, rstd;
    for (long i = 0; i < n; ++i) sum += x[i];
    mean = (float)(sum / (double)n);
    for (long i = 0; i < n; ++i) squares += (double)(x[i] - mean) * (x[i] - mean);
    rstd = (float)(1 / sqrt(squares / (double)n + eps));
    for (long i = 0; i < n; ++i) {
      y[i] = (x[i] - mean) * rstd * weight[i] + (bias == NULL ? 0 : bias[i]);
    }
    if (means != NULL) means[row] = mean;
    if (rstds != NULL) rstds[row] = rstd;
  }
}
)";

void layer_norm(CNode& node) {
  const Shape x = node.in(0);
  node.call("op_layer_norm", node.read(0), node.read(1), node.read(2), node.write(), node.write(1),
            node.write(2), x.rows(), x.back(), c_float(node.attrs().real("eps")));
}

constexpr std::string_view kRmsNorm = R"(
static void op_rms_norm(const float *x, const float *weight, float *y, float *rstds, long rows,
                        long n, float eps) {
  for (long row = 0; row < rows; ++row, x += n, y += n) {
    double squares = 0;
    float rstd;
    for (long i = 0; i < n; ++i) squares += (double)x[i] * x[i];
    rstd = (float)(1 / sqrt(squares / (double)n + eps));
    for (long i = 0; i < n; ++i) y[i] = x[i] * rstd * (weight == NULL ? 1 : weight[i]);
    if (rstds != NULL) rstds[row] = rstd;
  }
}
)";

void rms_norm(CNode& node) {
  const Shape x = node.in(0);
  node.call("op_rms_norm", node.read(0), node.read(1), node.write(), node.write(1), x.rows(),
            x.back(), c_float(node.attrs().real("eps")));
}

constexpr std::string_view kSoftmax = R"(
static void op_softmax(const float *x, float *y, long rows, long n) {
  for (long row = 0; row < rows; ++row, x += n, y += n) {
    float largest = x[0], sum = 0;
    for (long i = 1; i < n; ++i) largest = fmaxf(largest, x[i]);
    for (long i = 0; i < n; ++i) sum += y[i] = expf(x[i] - largest);
    for (long i = 0; i < n; ++i) y[i] /= sum;
  }
}
)";

constexpr std::string_view kLogSoftmax = R"(
static void op_log_softmax(const float *x, float *y, long rows, long n) {
  for (long row = 0; row < rows; ++row, x += n, y += n) {
    float largest = x[0], sum = 0;
    for (long i = 1; i < n; ++i) largest = fmaxf(largest, x[i]);
    for (long i = 0; i < n; ++i) sum += expf(x[i] - largest);
    for (long i = 0; i < n; ++i) y[i] = x[i] - largest - logf(sum);
  }
}
)";

constexpr std::string_view kSoftmaxGrad = R"(
static void op_softmax_grad(const float *y, const float *dy, float *dx, long rows, long n) {
  for (long row = 0; row < rows; ++row, y += n, dy += n, dx += n) {
    float sum = 0;
    for (long i = 0; i < n; ++i) sum += y[i] * dy[i];
    for (long i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - sum);
  }
}
)";

void rows_of(CNode& node) {
  const Shape x = node.in(0);
  node.call(node.function(), node.read(0), node.write(), x.rows(), x.back());
}

}  // namespace

COpGroup norms() {
  return {{
      {"batch_norm", {}, std::string(kBatchNorm), {"eps"}, 5, batch_norm},
      {"batch_norm_grad", {}, std::string(kBatchNormGrad), {"eps"}, 5, batch_norm_grad},
      {"batch_norm_live",
       {},
       std::string(kBatchNormLive),
       {"activation", "eps", "momentum"},
       5,
       batch_norm_live},
      {"batch_norm_live_grad",
       {},
       std::string(kBatchNormLiveGrad),
       {"activation", "eps", "momentum"},
       6,
       batch_norm_live_grad},
      {"layer_norm", {}, std::string(kLayerNorm), {"eps"}, 3, layer_norm},
      {"rms_norm", {}, std::string(kRmsNorm), {"eps"}, 2, rms_norm},
      {"softmax", {}, std::string(kSoftmax), {"axis"}, 1, rows_of},
      {"log_softmax", {}, std::string(kLogSoftmax), {"axis"}, 1, rows_of},
      {"softmax_grad",
       {},
       std::string(kSoftmaxGrad),
       {"axis"},
       2,
       [](CNode& node) {
         const Shape y = node.in(0);
         node.call("op_softmax_grad", node.read(0), node.read(1), node.write(), y.rows(), y.back());
       }},
  }};
}

}  // namespace verge::emit::ops
