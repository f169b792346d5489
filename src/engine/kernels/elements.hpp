#pragma once
// ElementKernels: the inner loops of elementwise.hpp, norm.hpp, rope.hpp, optimizer.hpp and of
// attention's gradient, one table per instruction set. Internal to this module.

#include <cstdint>

#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/optimizer.hpp>

namespace verge::kernels {

struct ElementKernels {
  void (*add)(int64_t n, const float* x, const float* y, float* out);
  void (*multiply)(int64_t n, const float* x, const float* y, float* out);
  void (*scale)(int64_t n, float alpha, const float* x, float* out);
  void (*activate)(Activation f, int64_t n, const float* x, float* y);
  void (*activate_backward)(Activation f, int64_t n, const float* x, const float* dy, float* dx);
  void (*gate)(Activation f, int64_t n, const float* gate, const float* up, float* y);
  void (*gate_backward)(Activation f, int64_t n, const float* gate, const float* up,
                        const float* dy, float* d_gate, float* d_up);
  float (*sum)(int64_t n, const float* x);
  float (*sum_squares)(int64_t n, const float* x, float shift);                  // of x - shift
  float (*dot_centred)(int64_t n, const float* x, float shift, const float* y);  // (x - shift) . y
  /// y = alpha * x + shift; out = alpha * x + beta * y + shift.
  void (*affine)(int64_t n, const float* x, float alpha, float shift, float* y);
  void (*combine)(int64_t n, float alpha, const float* x, float beta, const float* y, float shift,
                  float* out);
  /// out = y where affine gives more than 0, else 0.
  void (*where_positive)(int64_t n, const float* x, float alpha, float shift, const float* y,
                         float* out);
  /// y = (x - mean) * rstd * weight + bias; weight and bias may be null.
  void (*normalize)(int64_t n, const float* x, float mean, float rstd, const float* weight,
                    const float* bias, float* y);
  /// dx = rstd * (g - xhat * mean(g * xhat) - centred * mean(g)), g = weight * dy, xhat = (x -
  /// mean)
  /// * rstd; centred is 1 for layer_norm, 0 for rms_norm.
  void (*normalize_backward)(int64_t n, const float* x, float mean, float rstd, const float* weight,
                             const float* dy, float centred, float* dx);
  /// d_weight += dy * (x - mean) * rstd.
  void (*weight_gradient)(int64_t n, const float* x, float mean, float rstd, const float* dy,
                          float* d_weight);
  /// dx = y * (dy - shift).
  void (*softmax_gradient)(int64_t n, const float* y, const float* dy, float shift, float* dx);
  /// scores become p = e^(scores - log_sum_exp), d_p becomes p * (d_p - delta).
  void (*attention_gradient)(int64_t n, float log_sum_exp, float delta, float* scores, float* d_p);
  /// Turns pairs of one head; sign is 1, or -1 to turn back.
  void (*rotate_interleaved)(int64_t pairs, const float* angles, float sign, float* x);
  void (*rotate_halves)(int64_t pairs, const float* angles, float sign, float* x);
  /// `rate` and `root` are the bias-corrected learning rate and 1 / sqrt(1 - beta2^step).
  void (*adamw)(const AdamW& update, float rate, float root, int64_t n, const float* gradient,
                float* parameter, float* first, float* second);
  void (*sgd)(const Sgd& update, int64_t n, const float* gradient, float* parameter,
              float* velocity);
};

const ElementKernels& element_kernels(Isa isa);

}  // namespace verge::kernels
