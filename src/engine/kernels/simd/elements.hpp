#pragma once
// Elementwise loops written on F32; elements.hpp says what each does.

#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/simd/activations.hpp>

namespace verge::kernels::VERGE_ISA {

inline void add(int64_t n, const float* x, const float* y, float* out) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    store_some(out + i, load_some(x + i, count) + load_some(y + i, count), count);
  });
}

inline void multiply(int64_t n, const float* x, const float* y, float* out) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    store_some(out + i, load_some(x + i, count) * load_some(y + i, count), count);
  });
}

inline void scale(int64_t n, float alpha, const float* x, float* out) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    store_some(out + i, alpha * load_some(x + i, count), count);
  });
}

inline void activate(Activation f, int64_t n, const float* x, float* y) {
  with_activation(f, [&](auto function) {
    for_vectors(n, [&](int64_t i, int64_t count) {
      store_some(y + i, decltype(function)::value(load_some(x + i, count)), count);
    });
  });
}

inline void activate_backward(Activation f, int64_t n, const float* x, const float* dy, float* dx) {
  with_activation(f, [&](auto function) {
    for_vectors(n, [&](int64_t i, int64_t count) {
      const F32 slope = decltype(function)::slope(load_some(x + i, count));
      store_some(dx + i, load_some(dy + i, count) * slope, count);
    });
  });
}

inline void gate(Activation f, int64_t n, const float* gate, const float* up, float* y) {
  with_activation(f, [&](auto function) {
    for_vectors(n, [&](int64_t i, int64_t count) {
      const F32 value = decltype(function)::value(load_some(gate + i, count));
      store_some(y + i, value * load_some(up + i, count), count);
    });
  });
}

inline void gate_backward(Activation f, int64_t n, const float* gate, const float* up,
                          const float* dy, float* d_gate, float* d_up) {
  with_activation(f, [&](auto function) {
    for_vectors(n, [&](int64_t i, int64_t count) {
      const F32 g = load_some(gate + i, count);
      const F32 u = load_some(up + i, count);
      const F32 d = load_some(dy + i, count);
      if (d_gate != nullptr) store_some(d_gate + i, d * u * decltype(function)::slope(g), count);
      if (d_up != nullptr) store_some(d_up + i, d * decltype(function)::value(g), count);
    });
  });
}

inline float sum(int64_t n, const float* x) {
  F32 total = {};
  for_vectors(n, [&](int64_t i, int64_t count) { total += load_some(x + i, count); });
  return sum_lanes(total);
}

inline float sum_squares(int64_t n, const float* x, float shift) {
  F32 total = {};
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 d = load_some(x + i, count, shift) - shift;
    total = fma(d, d, total);
  });
  return sum_lanes(total);
}

inline float dot_centred(int64_t n, const float* x, float shift, const float* y) {
  F32 total = {};
  for_vectors(n, [&](int64_t i, int64_t count) {
    total = fma(load_some(x + i, count) - shift, load_some(y + i, count), total);
  });
  return sum_lanes(total);
}

inline void affine(int64_t n, const float* x, float alpha, float shift, float* y) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    store_some(y + i, fma(splat(alpha), load_some(x + i, count), splat(shift)), count);
  });
}

inline void where_positive(int64_t n, const float* x, float alpha, float shift, const float* y,
                           float* out) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 value = fma(splat(alpha), load_some(x + i, count), splat(shift));
    store_some(out + i, value > 0 ? load_some(y + i, count) : F32{}, count);
  });
}

inline void combine(int64_t n, float alpha, const float* x, float beta, const float* y, float shift,
                    float* out) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 part = fma(splat(beta), load_some(y + i, count), splat(shift));
    store_some(out + i, fma(splat(alpha), load_some(x + i, count), part), count);
  });
}

inline void normalize(int64_t n, const float* x, float mean, float rstd, const float* weight,
                      const float* bias, float* y) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    F32 value = (load_some(x + i, count) - mean) * rstd;
    if (weight != nullptr) value *= load_some(weight + i, count);
    if (bias != nullptr) value += load_some(bias + i, count);
    store_some(y + i, value, count);
  });
}

inline void normalize_backward(int64_t n, const float* x, float mean, float rstd,
                               const float* weight, const float* dy, float centred, float* dx) {
  F32 along = {};  // sums of g * xhat and of g
  F32 total = {};
  const auto scaled = [&](int64_t i, int64_t count) {
    const F32 d = load_some(dy + i, count);
    return weight == nullptr ? d : d * load_some(weight + i, count);
  };
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 g = scaled(i, count);
    along = fma(g, (load_some(x + i, count, mean) - mean) * rstd, along);
    total += g;
  });
  const float mean_along = sum_lanes(along) / static_cast<float>(n);
  const float mean_total = centred * sum_lanes(total) / static_cast<float>(n);
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 xhat = (load_some(x + i, count) - mean) * rstd;
    store_some(dx + i, rstd * (scaled(i, count) - xhat * mean_along - mean_total), count);
  });
}

inline void weight_gradient(int64_t n, const float* x, float mean, float rstd, const float* dy,
                            float* d_weight) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 xhat = (load_some(x + i, count) - mean) * rstd;
    store_some(d_weight + i, fma(load_some(dy + i, count), xhat, load_some(d_weight + i, count)),
               count);
  });
}

inline void softmax_gradient(int64_t n, const float* y, const float* dy, float shift, float* dx) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    store_some(dx + i, load_some(y + i, count) * (load_some(dy + i, count) - shift), count);
  });
}

inline void attention_gradient(int64_t n, float log_sum_exp, float delta, float* scores,
                               float* d_p) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 p = exp(load_some(scores + i, count) - log_sum_exp);
    store_some(scores + i, p, count);
    store_some(d_p + i, p * (load_some(d_p + i, count) - delta), count);
  });
}

inline void rotate_interleaved(int64_t pairs, const float* angles, float sign, float* x) {
  F32 signs;
  for (int i = 0; i < kLanes; ++i) signs[i] = i % 2 == 0 ? -sign : sign;
  for_vectors(2 * pairs, [&](int64_t i, int64_t count) {
    const F32 c = double_lanes(load_some(angles + i / 2, count / 2));
    const F32 s = double_lanes(load_some(angles + pairs + i / 2, count / 2));
    const F32 both = load_some(x + i, count);
    store_some(x + i, fma(swap_pairs(both), s * signs, both * c), count);
  });
}

inline void rotate_halves(int64_t pairs, const float* angles, float sign, float* x) {
  for_vectors(pairs, [&](int64_t i, int64_t count) {
    const F32 c = load_some(angles + i, count);
    const F32 s = sign * load_some(angles + pairs + i, count);
    const F32 a = load_some(x + i, count);
    const F32 b = load_some(x + pairs + i, count);
    store_some(x + i, a * c - b * s, count);
    store_some(x + pairs + i, a * s + b * c, count);
  });
}

inline void adamw(const AdamW& u, float rate, float root, int64_t n, const float* gradient,
                  float* parameter, float* first, float* second) {
  const float keep = 1.0f - u.learning_rate * u.weight_decay;
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 g = u.gradient_scale * load_some(gradient + i, count);
    const F32 m = fma(splat(u.beta1), load_some(first + i, count), (1.0f - u.beta1) * g);
    const F32 v = fma(splat(u.beta2), load_some(second + i, count), (1.0f - u.beta2) * g * g);
    const F32 p = keep * load_some(parameter + i, count);
    store_some(first + i, m, count);
    store_some(second + i, v, count);
    store_some(parameter + i, p - rate * m / (sqrt(v) * root + u.epsilon), count);
  });
}

inline void sgd(const Sgd& u, int64_t n, const float* gradient, float* parameter, float* velocity) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 p = load_some(parameter + i, count);
    F32 step = fma(splat(u.weight_decay), p, u.gradient_scale * load_some(gradient + i, count));
    if (velocity != nullptr) {
      const F32 v = fma(splat(u.momentum), load_some(velocity + i, count), step);
      store_some(velocity + i, v, count);
      step = u.nesterov ? fma(splat(u.momentum), v, step) : v;
    }
    store_some(parameter + i, fma(splat(-u.learning_rate), step, p), count);
  });
}

constexpr ElementKernels kElementTable = {
    .add = add,
    .multiply = multiply,
    .scale = scale,
    .activate = activate,
    .activate_backward = activate_backward,
    .gate = gate,
    .gate_backward = gate_backward,
    .sum = sum,
    .sum_squares = sum_squares,
    .dot_centred = dot_centred,
    .affine = affine,
    .combine = combine,
    .where_positive = where_positive,
    .normalize = normalize,
    .normalize_backward = normalize_backward,
    .weight_gradient = weight_gradient,
    .softmax_gradient = softmax_gradient,
    .attention_gradient = attention_gradient,
    .rotate_interleaved = rotate_interleaved,
    .rotate_halves = rotate_halves,
    .adamw = adamw,
    .sgd = sgd,
};

}  // namespace verge::kernels::VERGE_ISA
