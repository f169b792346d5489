// max(x, 0) and, where a gradient will need it, a bit for each element: whether it passed.

#include <algorithm>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

uint8_t passed(const float* x, int64_t count) {
  unsigned bits = 0;
  for (int64_t i = 0; i < count; ++i) bits |= static_cast<unsigned>(x[i] > 0) << i;
  return static_cast<uint8_t>(bits);
}

uint8_t passed_eight(const float* x) {
#if defined(__SSE__)  // as every x86-64 has
  const auto four = [](const float* at) {
    return _mm_movemask_ps(_mm_cmpgt_ps(_mm_loadu_ps(at), _mm_setzero_ps()));
  };
  return static_cast<uint8_t>(four(x) | four(x + 4) << 4);
#else
  return passed(x, 8);
#endif
}

// The grain is a cache line of the mask, so that no two workers share one.
void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const auto [first, last] = worker.split(call.in(0).shape.count(), 512);
  const float* x = f32(call, 0);
  float* y = f32_out(call);
  if (call.wants(1)) {
    auto* mask = call.out(1).as<uint8_t>();
    int64_t i = first;
    for (; i + 8 <= last; i += 8) mask[i / 8] = passed_eight(x + i);
    if (i < last) mask[i / 8] = passed(x + i, last - i);
  }
  for (int64_t i = first; i < last; ++i) y[i] = std::max(x[i], 0.0f);
}

}  // namespace

KernelDef relu() {
  return {.op = "relu",
          .supports = [](const graph::KernelCall& call) { return call.in(0).dtype == DType::F32; },
          .run = run};
}

}  // namespace verge::kernels::ops
