// min(max(x, {min}), {max}) and, where a gradient will need it, a bit for each element: whether it
// passed.

#include <cmath>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

struct Bounds {
  float low, high;

  uint8_t passed(const float* x, int64_t count) const {
    unsigned bits = 0;
    for (int64_t i = 0; i < count; ++i) {
      bits |= static_cast<unsigned>(x[i] > low && x[i] < high) << i;
    }
    return static_cast<uint8_t>(bits);
  }

  uint8_t passed_eight(const float* x) const {
#if defined(__SSE__)  // as every x86-64 has
    const auto four = [&](const float* at) {
      const __m128 value = _mm_loadu_ps(at);
      return _mm_movemask_ps(_mm_and_ps(_mm_cmpgt_ps(value, _mm_set1_ps(low)),
                                        _mm_cmplt_ps(value, _mm_set1_ps(high))));
    };
    return static_cast<uint8_t>(four(x) | four(x + 4) << 4);
#else
    return passed(x, 8);
#endif
  }
};

// The grain is a cache line of the mask, so that no two workers share one.
void run(const graph::KernelCall& call, Worker& worker, Isa) {
  constexpr int64_t kGrain = 512;
  const Bounds bounds{static_cast<float>(call.attrs.real("min", -HUGE_VAL)),
                      static_cast<float>(call.attrs.real("max", HUGE_VAL))};
  const auto [first, last] = worker.split(call.in(0).shape.count(), kGrain);
  const float* x = f32(call, 0);
  float* y = f32_out(call);
  for (int64_t begin = first; begin < last; begin += kGrain) {
    const int64_t end = std::min(begin + kGrain, last);
    int64_t i = begin;
    for (; i + 8 <= end && call.wants(1); i += 8) {
      call.out(1).as<uint8_t>()[i / 8] = bounds.passed_eight(x + i);
    }
    if (i < end && call.wants(1)) call.out(1).as<uint8_t>()[i / 8] = bounds.passed(x + i, end - i);
    for (i = begin; i < end; ++i) y[i] = std::clamp(x[i], bounds.low, bounds.high);
  }
}

}  // namespace

KernelDef clip() {
  return {.op = "clip",
          .supports = [](const graph::KernelCall& call) { return call.in(0).dtype == DType::F32; },
          .run = run};
}

}  // namespace verge::kernels::ops
