// x where its bit is set, else 0.

#include <array>
#include <cstring>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// Four bits of the mask as four words to "and" with: one vector instruction on any processor.
constexpr auto kWords = [] {
  std::array<std::array<uint32_t, 4>, 16> words{};
  for (uint32_t bits = 0; bits < 16; ++bits) {
    for (uint32_t i = 0; i < 4; ++i) words[bits][i] = (bits >> i & 1) != 0 ? ~0u : 0;
  }
  return words;
}();

void mask_four(const float* x, unsigned bits, float* y) {
  std::array<uint32_t, 4> words;
  std::memcpy(words.data(), x, sizeof words);
  for (size_t i = 0; i < 4; ++i) words[i] &= kWords[bits][i];
  std::memcpy(y, words.data(), sizeof words);
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const auto [first, last] = worker.split(call.out().shape.count(), 512);
  const float* x = f32(call, 0);
  const auto* mask = call.in(1).as<uint8_t>();
  float* y = f32_out(call);
  int64_t i = first;
  for (; i + 8 <= last; i += 8) {
    mask_four(x + i, mask[i / 8] & 15u, y + i);
    mask_four(x + i + 4, mask[i / 8] >> 4u, y + i + 4);
  }
  for (; i < last; ++i) y[i] = (mask[i / 8] >> (i % 8) & 1) != 0 ? x[i] : 0.0f;
}

}  // namespace

KernelDef apply_mask() {
  return {.op = "apply_mask",
          .supports = [](const graph::KernelCall& call) { return call.in(0).dtype == DType::F32; },
          .run = run};
}

}  // namespace verge::kernels::ops
