#pragma once
// Fused updates: one pass over gradient, parameter and state. Calling convention: gemm.hpp.

#include <cstdint>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019) and bias correction.
struct AdamW {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0;
  float gradient_scale = 1;  // the gradient is multiplied by this first: clipping, accumulation
  int64_t step = 1;          // 1 for the first update
};
void adamw(Isa isa, const AdamW& update, int64_t n, const float* gradient, float* parameter,
           float* first_moment, float* second_moment, Worker& worker);

/// velocity = momentum * velocity + (g + weight_decay * p); p -= learning_rate * velocity, as
/// Sutskever et al. 2013 in PyTorch's form. velocity may be null when momentum is 0.
struct Sgd {
  float learning_rate = 1e-2f;
  float momentum = 0;
  float weight_decay = 0;
  float gradient_scale = 1;
  bool nesterov = false;
};
void sgd(Isa isa, const Sgd& update, int64_t n, const float* gradient, float* parameter,
         float* velocity, Worker& worker);

}  // namespace verge::kernels
