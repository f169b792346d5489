#include <cmath>

#include <verge/engine/kernels/batch_norm.hpp>
#include <verge/engine/kernels/elements.hpp>

namespace verge::kernels {
namespace {

/// Calls body(at) with the start of each image's plane of a channel.
template <typename Body>
void for_planes(const BatchNorm& norm, int64_t channel, Body body) {
  for (int64_t image = 0; image < norm.batch; ++image) {
    body((image * norm.channels + channel) * norm.area);
  }
}

/// y = scale * x + shift over a channel.
void apply(const ElementKernels& kernels, const BatchNorm& norm, int64_t channel, const float* x,
           float scale, float shift, float* y) {
  for_planes(norm, channel,
             [&](int64_t at) { kernels.affine(norm.area, x + at, scale, shift, y + at); });
}

/// What a channel's batch norm is, once its statistics are known. Gradients decide by the sign of
/// its value what a ReLU let through, so that they must see the same bits.
struct AffineMap {
  float scale, shift;
};

AffineMap normalizing(float mean, float rstd, float weight, float bias) {
  const float scale = rstd * weight;
  return {scale, bias - mean * scale};
}

void move(float momentum, double now, float* running) {
  *running += momentum * (static_cast<float>(now) - *running);
}

}  // namespace

void batch_norm(Isa isa, const BatchNorm& norm, const float* x, const float* weight,
                const float* bias, float* y, float* mean, float* rstd, float* running_mean,
                float* running_variance, Worker& worker) {
  const ElementKernels& kernels = element_kernels(isa);
  const auto count = static_cast<double>(norm.batch * norm.area);
  const auto [first, last] = worker.split(norm.channels);
  for (int64_t channel = first; channel < last; ++channel) {
    double sum = 0;
    for_planes(norm, channel, [&](int64_t at) { sum += kernels.sum(norm.area, x + at); });
    const auto centre = static_cast<float>(sum / count);
    double squares = 0;
    for_planes(norm, channel,
               [&](int64_t at) { squares += kernels.sum_squares(norm.area, x + at, centre); });
    const double variance = squares / count;
    const auto inverse = static_cast<float>(1 / std::sqrt(variance + norm.epsilon));
    mean[channel] = centre;
    rstd[channel] = inverse;
    if (running_mean != nullptr) move(norm.momentum, centre, running_mean + channel);
    if (running_variance != nullptr) {
      move(norm.momentum, count > 1 ? squares / (count - 1) : variance, running_variance + channel);
    }
    const AffineMap map = normalizing(centre, inverse, weight[channel], bias[channel]);
    for_planes(norm, channel, [&](int64_t at) {
      kernels.affine(norm.area, x + at, map.scale, map.shift, y + at);
      if (norm.has_relu) kernels.activate(Activation::Relu, norm.area, y + at, y + at);
    });
  }
}

// dx = weight * rstd * (dy - mean(dy) - xhat * mean(dy * xhat)): Ioffe & Szegedy 2015, section 3.
void batch_norm_backward(Isa isa, const BatchNorm& norm, const float* x, const float* weight,
                         const float* bias, const float* mean, const float* rstd, const float* dy,
                         float* dx, float* d_weight, float* d_bias, Worker& worker) {
  const ElementKernels& kernels = element_kernels(isa);
  const auto count = static_cast<double>(norm.batch * norm.area);
  const auto [first, last] = worker.split(norm.channels);
  for (int64_t channel = first; channel < last; ++channel) {
    double total = 0;
    double along = 0;                               // sum of dy * (x - mean)
    const float* passed = norm.has_relu ? dx : dy;  // what the ReLU let through waits in dx
    const AffineMap map =
        norm.has_relu ? normalizing(mean[channel], rstd[channel], weight[channel], bias[channel])
                      : AffineMap{};
    for_planes(norm, channel, [&](int64_t at) {
      if (norm.has_relu) {
        kernels.where_positive(norm.area, x + at, map.scale, map.shift, dy + at, dx + at);
      }
      total += kernels.sum(norm.area, passed + at);
      along += kernels.dot_centred(norm.area, x + at, mean[channel], passed + at);
    });
    along *= rstd[channel];
    d_weight[channel] = static_cast<float>(along);
    d_bias[channel] = static_cast<float>(total);
    const double scale = double{weight[channel]} * rstd[channel];
    const auto slope = static_cast<float>(-scale * rstd[channel] * along / count);
    const auto shift = static_cast<float>(-scale * total / count) - slope * mean[channel];
    for_planes(norm, channel, [&](int64_t at) {
      kernels.combine(norm.area, static_cast<float>(scale), passed + at, slope, x + at, shift,
                      dx + at);
    });
  }
}

void batch_norm_frozen(Isa isa, const BatchNorm& norm, const float* x, const float* weight,
                       const float* bias, const float* mean, const float* variance, float* y,
                       Worker& worker) {
  const auto [first, last] = worker.split(norm.channels);
  for (int64_t channel = first; channel < last; ++channel) {
    const float scale = weight[channel] / std::sqrt(variance[channel] + norm.epsilon);
    apply(element_kernels(isa), norm, channel, x, scale, bias[channel] - mean[channel] * scale, y);
  }
}

void batch_norm_frozen_backward(Isa isa, const BatchNorm& norm, const float* weight,
                                const float* variance, const float* dy, float* dx, Worker& worker) {
  const auto [first, last] = worker.split(norm.channels);
  for (int64_t channel = first; channel < last; ++channel) {
    const float scale = weight[channel] / std::sqrt(variance[channel] + norm.epsilon);
    apply(element_kernels(isa), norm, channel, dy, scale, 0, dx);
  }
}

}  // namespace verge::kernels
