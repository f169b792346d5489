// Bits of levels that were not clipped.

#include <algorithm>

#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

template <typename Level>
void mask(const Level* x, int64_t count, int low, int high, uint8_t* bits, Worker& worker) {
  const auto [first, last] = worker.split((count + 7) / 8, 64);
  for (int64_t byte = first; byte < last; ++byte) {
    unsigned set = 0;
    const int64_t here = std::min<int64_t>(8, count - byte * 8);
    for (int64_t i = 0; i < here; ++i) {
      const int level = x[byte * 8 + i];
      set |= static_cast<unsigned>(level > low && level < high) << i;
    }
    bits[byte] = static_cast<uint8_t>(set);
  }
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const int64_t count = call.in(0).shape.count();
  const int low = static_cast<int>(call.attrs.integer("low"));
  const int high = static_cast<int>(call.attrs.integer("high"));
  auto* bits = call.out().as<uint8_t>();
  if (call.in(0).dtype == DType::I8) {
    mask(call.in(0).as<int8_t>(), count, low, high, bits, worker);
  } else {
    mask(call.in(0).as<uint8_t>(), count, low, high, bits, worker);
  }
}

}  // namespace

KernelDef level_mask() {
  return {.op = "level_mask", .run = run};
}

}  // namespace verge::kernels::ops
