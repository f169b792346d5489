#include <verge/engine/kernels/int8_call.hpp>
#include <verge/engine/kernels/int8_rows.hpp>

namespace verge::kernels::ops {
namespace {

LevelRow side(const graph::KernelCall& call, size_t input, std::string_view zero) {
  return {bytes_in(call, input), call.in(input).dtype == DType::I8,
          static_cast<int32_t>(call.attrs.integer(zero)),
          static_cast<float>(call.attrs.real("multiplier"))};
}

// Rows of as many elements as stand together with factors of their own.
void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Requantize how = requantize_of(call.attrs);
  const Shape& shape = call.in(0).shape;
  const bool is_by_channel = shape != call.in(1).shape;
  const int64_t n = is_by_channel ? shape[3] : shape.rank() == 0 ? 1 : shape.back();
  const int64_t pixels = is_by_channel ? shape[1] * shape[2] : 1;
  const int64_t width = how.to == DType::F32 ? 4 : 1;
  const auto [first, last] = worker.split(n == 0 ? 0 : shape.count() / n);
  for (int64_t row = first; row < last; ++row) {
    LevelRow a = side(call, 0, "a_zero"), b = side(call, 1, "b_zero");
    a.levels += row * n;
    b.levels += row / pixels * n;
    int8_row_kernels(isa).multiply(n, a, b, how, bytes_out(call) + row * n * width);
  }
}

bool supports(const graph::KernelCall& call) {
  return call.in(0).shape == call.in(1).shape || graph::is_channels_last(call.attrs);
}

}  // namespace

KernelDef mul_int8() {
  return {.op = "mul_int8", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
