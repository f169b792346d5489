// Block by block: decode, update as adamw, encode. No state is wider than a block for long.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/dynamic_code.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

using graph::DynamicCode;
using graph::kMomentBlock;

// One block of a moment.
struct MomentBlock {
  const DynamicCode& code;
  const bool has_sign;
  uint8_t* codes;
  float* scale;

  void decode(int64_t count, float* values) const {
    for (int64_t i = 0; i < count; ++i) {
      const int byte = codes[i];
      const float magnitude = code.decode(has_sign ? byte & 0x7F : byte) * *scale;
      values[i] = has_sign && (byte & 0x80) != 0 ? -magnitude : magnitude;
    }
  }
  void encode(int64_t count, const float* values) const {
    float largest = 0;
    for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(values[i]));
    *scale = largest;
    const float inverse = largest > 0 ? 1 / largest : 0;
    for (int64_t i = 0; i < count; ++i) {
      const int sign = has_sign && values[i] < 0 ? 0x80 : 0;
      const float share = std::min(1.0f, std::abs(values[i]) * inverse);
      codes[i] = static_cast<uint8_t>(code.encode(share) | sign);
    }
  }
};

struct Rates {
  float beta1, beta2, eps, keep, rate, root;

  explicit Rates(const graph::KernelCall& call) {
    const double step = static_cast<double>(*call.in(6).as<int64_t>()), lr = *f32(call, 7);
    const double b1 = call.attrs.real("beta1", 0.9), b2 = call.attrs.real("beta2", 0.999);
    beta1 = static_cast<float>(b1);
    beta2 = static_cast<float>(b2);
    eps = static_cast<float>(call.attrs.real("eps", 1e-8));
    keep = static_cast<float>(1 - lr * call.attrs.real("weight_decay", 0));
    rate = static_cast<float>(lr / (1 - std::pow(b1, step)));
    root = static_cast<float>(1 / std::sqrt(1 - std::pow(b2, step)));
  }
};

void update_block(const Rates& rates, int64_t count, const float* gradient, float* parameter,
                  const MomentBlock& first, const MomentBlock& second) {
  float m[kMomentBlock], v[kMomentBlock];
  first.decode(count, m);
  second.decode(count, v);
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    m[i] = rates.beta1 * m[i] + (1 - rates.beta1) * g;
    v[i] = rates.beta2 * v[i] + (1 - rates.beta2) * g * g;
    parameter[i] =
        rates.keep * parameter[i] - rates.rate * m[i] / (std::sqrt(v[i]) * rates.root + rates.eps);
  }
  first.encode(count, m);
  second.encode(count, v);
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const Rates rates(call);
  const int64_t count = call.in(0).shape.count(), blocks = call.in(3).shape.count();
  const auto [begin, end] = worker.split(blocks);
  for (int64_t block = begin; block < end; ++block) {
    const int64_t at = block * kMomentBlock;
    const MomentBlock first{DynamicCode::of_signed(), true, call.out(1).as<uint8_t>() + at,
                            f32_out(call, 2) + block};
    const MomentBlock second{DynamicCode::of_unsigned(), false, call.out(3).as<uint8_t>() + at,
                             f32_out(call, 4) + block};
    update_block(rates, std::min(kMomentBlock, count - at), f32(call, 1) + at,
                 f32_out(call, 0) + at, first, second);
  }
}

}  // namespace

KernelDef adamw_8bit() {
  return {.op = "adamw_8bit",
          .supports =
              [](const graph::KernelCall& call) {
                return call.in(0).dtype == DType::F32 && call.in(1).dtype == DType::F32 &&
                       call.in(3).dtype == DType::F32 && call.in(5).dtype == DType::F32 &&
                       call.in(7).dtype == DType::F32;
              },
          .run = run};
}

}  // namespace verge::kernels::ops
