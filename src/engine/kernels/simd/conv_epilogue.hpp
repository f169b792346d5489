#pragma once
// What follows the product of a convolution, on a vector of its results.

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/simd/activations.hpp>

namespace verge::kernels::VERGE_ISA {

template <class F>
struct Epilogue {
  bool activates_sum = false;
  float factor = 1, offset = -0.0f;
  float above = 0, below = 0;

  /// The results of `lanes` sums; `residual` and `passed`, if there are any, are read from `at` on.
  VERGE_INLINE F32 operator()(F32 x, const float* residual, int64_t at, int64_t lanes,
                              const float* passed = nullptr) const {
    if (residual == nullptr) {
      x = F::value(x);
    } else {
      const F32 other = load_some(residual + at, lanes);
      x = activates_sum ? F::value(x + other) : F::value(x) + other;
    }
    x = fma(x, splat(factor), splat(offset));
    if (passed == nullptr) return x;
    const F32 y = load_some(passed + at, lanes);
    return y > above && y < below ? x : F32{};
  }
};

/// Calls body(Epilogue<F>) for the epilogue of a convolution; null: for none.
template <typename Body>
VERGE_INLINE void with_epilogue(const Conv2d* conv, Body body) {
  if (conv == nullptr) return body(Epilogue<Identity>());
  with_activation(conv->activation, [&](auto f) {
    // Beside 0, -0 would become 0; beside -0 every number stays what it is.
    body(Epilogue<decltype(f)>{conv->activates_sum, conv->factor,
                               conv->offset == 0 ? -0.0f : conv->offset, conv->above, conv->below});
  });
}

}  // namespace verge::kernels::VERGE_ISA
