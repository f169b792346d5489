// Rows of a table of any type, decoded.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/quant/dequantize.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const TensorView &table = call.in(0), &ids = call.in(1);
  const int64_t width = table.shape.back();
  const int64_t row_bytes = bytes_of(table.dtype, width);
  const auto decode = quant::dequantizer(table.dtype);
  const auto scale = static_cast<float>(call.attrs.real("scale", 1));
  const auto [first, last] = worker.split(ids.shape.count());
  for (int64_t i = first; i < last; ++i) {
    float* row = call.out().as<float>() + i * width;
    decode(table.as<std::byte>() + ids.as<int32_t>()[i] * row_bytes, row, width);
    if (scale == 1) continue;
    for (int64_t j = 0; j < width; ++j) row[j] *= scale;
  }
}

}  // namespace

KernelDef embedding() {
  return {.op = "embedding",
          .supports = [](const graph::KernelCall& call) { return call.out().dtype == DType::F32; },
          .run = run};
}

}  // namespace verge::kernels::ops
