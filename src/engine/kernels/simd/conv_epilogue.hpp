#pragma once
// What follows the product of a convolution, on a vector of its results.

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/simd/activations.hpp>

namespace verge::kernels::VERGE_ISA {

template <class F>
struct Epilogue {
  bool activates_sum = false;
  float factor = 1, offset = -0.0f;

  /// The results of `lanes` sums; `residual`, if there is one, is read from `at` on.
  VERGE_INLINE F32 operator()(F32 x, const float* residual, int64_t at, int64_t lanes) const {
    if (residual == nullptr) {
      x = F::value(x);
    } else {
      const F32 other = load_some(residual + at, lanes);
      x = activates_sum ? F::value(x + other) : F::value(x) + other;
    }
    return fma(x, splat(factor), splat(offset));
  }
};

/// Calls body(Epilogue<F>) for the epilogue of a convolution; null: for none.
template <typename Body>
VERGE_INLINE void with_epilogue(const Conv2d* conv, Body body) {
  if (conv == nullptr) return body(Epilogue<Identity>());
  with_activation(conv->activation, [&](auto f) {
    // Beside 0, -0 would become 0; beside -0 every number stays what it is.
    body(Epilogue<decltype(f)>{conv->activates_sum, conv->factor,
                               conv->offset == 0 ? -0.0f : conv->offset});
  });
}

}  // namespace verge::kernels::VERGE_ISA
