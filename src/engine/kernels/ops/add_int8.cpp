#include <verge/engine/kernels/int8_call.hpp>
#include <verge/engine/kernels/int8_rows.hpp>

namespace verge::kernels::ops {
namespace {

LevelRow side(const graph::KernelCall& call, size_t input, std::string_view zero,
              std::string_view multiplier) {
  return {bytes_in(call, input), call.in(input).dtype == DType::I8,
          static_cast<int32_t>(call.attrs.integer(zero)),
          static_cast<float>(call.attrs.real(multiplier))};
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Requantize how = requantize_of(call.attrs);
  LevelRow a = side(call, 0, "a_zero", "a_multiplier"), b = side(call, 1, "b_zero", "b_multiplier");
  const auto [first, last] = worker.split(call.out().shape.count(), 64);
  a.levels += first;
  b.levels += first;
  const int64_t width = how.to == DType::F32 ? 4 : 1;
  int8_row_kernels(isa).add(last - first, a, b, how, bytes_out(call) + first * width);
}

}  // namespace

KernelDef add_int8() {
  return {.op = "add_int8", .run = run};
}

}  // namespace verge::kernels::ops
