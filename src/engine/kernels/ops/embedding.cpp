// Rows of a table of any type, decoded. A tied table is read as the output head has it: packed.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/linear_call.hpp>
#include <verge/engine/quant/dequantize.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

int64_t row_bytes(const TensorView& table) {
  return bytes_of(table.dtype, table.shape.back());
}

// A line's multiple for each thread, which unpacks its rows there.
int64_t own_bytes(const TensorView& table) {
  return (row_bytes(table) + 63) / 64 * 64;
}

const std::byte* stored_row(const KernelCall& call, int64_t id, const Worker& worker) {
  const TensorView& table = call.in(0);
  if (!call.is_packed(0)) return table.as<std::byte>() + id * row_bytes(table);
  std::byte* own = call.workspace + worker.index() * own_bytes(table);
  unpack_row(packed_matrix(table), id, own);
  return own;
}

void run(const KernelCall& call, Worker& worker, Isa) {
  const TensorView& ids = call.in(1);
  const int64_t width = call.in(0).shape.back();
  const auto decode = quant::dequantizer(call.in(0).dtype);
  const auto scale = static_cast<float>(call.attrs.real("scale", 1));
  const auto [first, last] = worker.split(ids.shape.count());
  for (int64_t i = first; i < last; ++i) {
    float* row = call.out().as<float>() + i * width;
    decode(stored_row(call, ids.as<int32_t>()[i], worker), row, width);
    if (scale == 1) continue;
    for (int64_t j = 0; j < width; ++j) row[j] *= scale;
  }
}

}  // namespace

KernelDef embedding() {
  return {.op = "embedding",
          .supports = [](const KernelCall& call) { return call.out().dtype == DType::F32; },
          .run = run,
          .workspace_bytes = [](const KernelCall& call, int threads, Isa) -> int64_t {
            return call.is_packed(0) ? threads * own_bytes(call.in(0)) : 0;
          },
          .reads_packed = [](const KernelCall&, size_t input) { return input == 0; }};
}

}  // namespace verge::kernels::ops
