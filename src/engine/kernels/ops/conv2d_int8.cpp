#include <verge/engine/graph/window2d.hpp>
#include <verge/engine/kernels/int8_call.hpp>
#include <verge/engine/kernels/level_call.hpp>
#include <verge/engine/kernels/level_planes.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

ConvInt8 geometry(const KernelCall& call) {
  const Shape x = graph::channels_first(call.in(0).shape, call.attrs);
  const Shape y = graph::channels_first(call.out().shape, call.attrs);
  const graph::Window2d window(call.attrs, call.in(1).shape[2], call.in(1).shape[3]);
  return {.batch = x[0],
          .in_channels = x[1],
          .in_height = x[2],
          .in_width = x[3],
          .out_channels = y[1],
          .out_height = y[2],
          .out_width = y[3],
          .kernel_height = window.kernel[0],
          .kernel_width = window.kernel[1],
          .stride_height = window.strides[0],
          .stride_width = window.strides[1],
          .pad_top = window.pads[0],
          .pad_left = window.pads[1],
          .dilation_height = window.dilations[0],
          .dilation_width = window.dilations[1],
          .groups = window.groups,
          .is_signed = call.in(0).dtype == DType::I8,
          .x_zero = static_cast<int32_t>(call.attrs.integer("x_zero"))};
}

// Padding is copied, so it must be of a size that somebody means.
bool supports(const KernelCall& call) {
  if (!graph::is_channels_last(call.attrs)) return !call.is_packed(1);
  const graph::Window2d window(call.attrs, call.in(1).shape[2], call.in(1).shape[3]);
  const double reach =
      static_cast<double>(window.kernel[0]) * static_cast<double>(window.dilations[0]);
  const ConvInt8 conv = geometry(call);
  const double width =
      static_cast<double>(conv.out_width) * static_cast<double>(conv.stride_width) +
      static_cast<double>(conv.kernel_width) * static_cast<double>(conv.dilation_width);
  return graph::is_channels_last(call.attrs) && call.is_packed(1) &&
         (reach + static_cast<double>(window.strides[0])) * width *
                 static_cast<double>(conv.in_channels) <
             0x1p30;
}

// Channels first, as in training: weights change, so that they are read where they lie.
void run(const KernelCall& call, Worker& worker, Isa isa) {
  if (!graph::is_channels_last(call.attrs)) {
    const Conv2d conv = conv_of(call.attrs, call.in(0).shape, call.out().shape, call.in(1).shape);
    conv2d_level_planes(conv, level_image(call, 0), call.in(1).as<int8_t>(), requantize_of(call),
                        bytes_out(call), worker);
    return;
  }
  conv_int8(isa, geometry(call), bytes_in(call, 0), bytes_in(call, 1), requantize_of(call),
            bytes_out(call), call.workspace, worker);
}

}  // namespace

KernelDef conv2d_int8() {
  return {.op = "conv2d_int8",
          .supports = supports,
          .run = run,
          .workspace_bytes =
              [](const KernelCall& call, int threads, Isa isa) {
                return graph::is_channels_last(call.attrs)
                           ? conv_int8_workspace_bytes(isa, geometry(call), threads)
                           : int64_t{0};
              },
          .wants_packed =
              [](const KernelCall& call, size_t input) {
                return input == 1 && graph::is_channels_last(call.attrs);
              },
          .prepared_bytes = [](const KernelCall& call, size_t,
                               Isa isa) { return conv_int8_packed_bytes(isa, geometry(call)); },
          .prepare =
              [](const KernelCall& call, size_t, std::byte* prepared, Worker& worker, Isa isa) {
                pack_conv_int8(isa, geometry(call), call.in(1).as<int8_t>(), prepared, worker);
              }};
}

}  // namespace verge::kernels::ops
