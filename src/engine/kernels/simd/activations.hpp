#pragma once
// Activations and their derivatives on F32.

#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/simd/vec.hpp>

namespace verge::kernels::VERGE_ISA {

/// The error function to 1.5e-7 absolute: Abramowitz & Stegun 1964, 7.1.26.
VERGE_INLINE F32 erf(F32 x) {
  const F32 a = x < 0 ? -x : x;
  const F32 t = 1.0f / fma(a, splat(0.3275911f), splat(1.0f));
  F32 p = splat(1.061405429f);
  p = fma(p, t, splat(-1.453152027f));
  p = fma(p, t, splat(1.421413741f));
  p = fma(p, t, splat(-0.284496736f));
  p = fma(p, t, splat(0.254829592f)) * t;
  const F32 y = 1.0f - p * exp(-a * a);
  return x < 0 ? -y : y;
}

VERGE_INLINE F32 silu(F32 x) {
  return x / (1.0f + exp(-x));
}
/// 0.5 x (1 + tanh(u)) = x * sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3). Hendrycks 2016.
VERGE_INLINE F32 gelu_tanh(F32 x) {
  const F32 u = x * fma(x * x, splat(0.044715f), splat(1.0f)) * 0.7978845608f;
  return x * sigmoid(u + u);
}
VERGE_INLINE F32 gelu_erf(F32 x) {
  return 0.5f * x * (1.0f + erf(x * 0.70710678f));
}
/// What is no number stays so, as in the operator of its own.
VERGE_INLINE F32 relu(F32 x) {
  return x < 0 ? F32{} : x;
}
VERGE_INLINE F32 capped_relu(F32 x, float cap) {
  return x > cap ? splat(cap) : relu(x);
}
VERGE_INLINE F32 hsigmoid(F32 x) {
  return capped_relu(x * (1.0f / 6) + 0.5f, 1);
}
/// Where the line rises.
VERGE_INLINE F32 hsigmoid_slope(F32 x) {
  return x > -3 && x < 3 ? splat(1.0f / 6) : F32{};
}

struct Identity {
  static VERGE_INLINE F32 value(F32 x) { return x; }
  static VERGE_INLINE F32 slope(F32) { return splat(1.0f); }
};
struct Relu {
  static VERGE_INLINE F32 value(F32 x) { return relu(x); }
  static VERGE_INLINE F32 slope(F32 x) { return x > 0 ? splat(1.0f) : F32{}; }
};
struct Relu6 {
  static VERGE_INLINE F32 value(F32 x) { return capped_relu(x, 6); }
  static VERGE_INLINE F32 slope(F32 x) { return x > 0 && x < 6 ? splat(1.0f) : F32{}; }
};
struct Sigmoid {
  static VERGE_INLINE F32 value(F32 x) { return sigmoid(x); }
  static VERGE_INLINE F32 slope(F32 x) {
    const F32 s = sigmoid(x);
    return s * (1.0f - s);
  }
};
struct Hsigmoid {
  static VERGE_INLINE F32 value(F32 x) { return hsigmoid(x); }
  static VERGE_INLINE F32 slope(F32 x) { return hsigmoid_slope(x); }
};
struct Hswish {
  static VERGE_INLINE F32 value(F32 x) { return x * hsigmoid(x); }
  static VERGE_INLINE F32 slope(F32 x) { return fma(x, hsigmoid_slope(x), hsigmoid(x)); }
};
struct Silu {
  static VERGE_INLINE F32 value(F32 x) { return silu(x); }
  static VERGE_INLINE F32 slope(F32 x) {
    const F32 s = sigmoid(x);
    return s * fma(x, 1.0f - s, splat(1.0f));
  }
};
struct GeluTanh {
  static VERGE_INLINE F32 value(F32 x) { return gelu_tanh(x); }
  static VERGE_INLINE F32 slope(F32 x) {
    const F32 u = x * fma(x * x, splat(0.044715f), splat(1.0f)) * 0.7978845608f;
    const F32 du = fma(x * x, splat(3 * 0.044715f), splat(1.0f)) * 0.7978845608f;
    const F32 s = sigmoid(u + u);
    return fma(2.0f * x * du, s * (1.0f - s), s);
  }
};
struct GeluErf {
  static VERGE_INLINE F32 value(F32 x) { return gelu_erf(x); }
  static VERGE_INLINE F32 slope(F32 x) {
    const F32 density = 0.3989422804f * exp(-0.5f * x * x);
    return fma(x, density, 0.5f * (1.0f + erf(x * 0.70710678f)));
  }
};

/// Calls body(F{}) with the type of an activation.
template <typename Body>
VERGE_INLINE void with_activation(Activation activation, Body body) {
  switch (activation) {
    case Activation::None:
      return body(Identity{});
    case Activation::Relu:
      return body(Relu{});
    case Activation::Relu6:
      return body(Relu6{});
    case Activation::Silu:
      return body(Silu{});
    case Activation::Sigmoid:
      return body(Sigmoid{});
    case Activation::Hswish:
      return body(Hswish{});
    case Activation::Hsigmoid:
      return body(Hsigmoid{});
    case Activation::GeluTanh:
      return body(GeluTanh{});
    case Activation::GeluErf:
      return body(GeluErf{});
  }
}

}  // namespace verge::kernels::VERGE_ISA
