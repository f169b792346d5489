// Rows are pixels of a 1x1 convolution.

#include <verge/engine/kernels/int8_call.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

ConvInt8 rows_of(const KernelCall& call) {
  const Shape& w = call.in(1).shape;
  const int64_t rows = call.in(0).shape.rows();
  return {.batch = 1,
          .in_channels = w[1],
          .in_height = 1,
          .in_width = rows,
          .out_channels = w[0],
          .out_height = 1,
          .out_width = rows,
          .is_signed = call.in(0).dtype == DType::I8,
          .x_zero = static_cast<int32_t>(call.attrs.integer("x_zero"))};
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  conv_int8(isa, rows_of(call), bytes_in(call, 0), bytes_in(call, 1), requantize_of(call),
            bytes_out(call), call.workspace, worker);
}

}  // namespace

KernelDef linear_int8() {
  return {.op = "linear_int8",
          .supports = [](const KernelCall& call) { return call.is_packed(1); },
          .run = run,
          .workspace_bytes =
              [](const KernelCall& call, int threads, Isa isa) {
                return conv_int8_workspace_bytes(isa, rows_of(call), threads);
              },
          .wants_packed = [](const KernelCall&, size_t input) { return input == 1; },
          .prepared_bytes = [](const KernelCall& call, size_t,
                               Isa isa) { return conv_int8_packed_bytes(isa, rows_of(call)); },
          .prepare =
              [](const KernelCall& call, size_t, std::byte* prepared, Worker& worker, Isa isa) {
                pack_conv_int8(isa, rows_of(call), call.in(1).as<int8_t>(), prepared, worker);
              }};
}

}  // namespace verge::kernels::ops
