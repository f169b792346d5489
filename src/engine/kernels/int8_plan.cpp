#include <algorithm>

#include <verge/engine/kernels/int8_plan.hpp>

namespace verge::kernels {
namespace {

void pack_panel(const ConvInt8& c, const TapPlan& plan, const Int8Kernels& kernels,
                const int8_t* weight, int64_t outputs, std::byte* panel) {
  const int64_t area = c.kernel_height * c.kernel_width, row = plan.group_in * area;
  std::byte* to = panel;
  for (int64_t tap = 0; tap < plan.taps; ++tap) {
    for (int64_t quad = 0; quad < plan.quads(); ++quad, to += kernels.quad_bytes) {
      int8_t weights[kPanelOutputs][4] = {};
      for (int64_t i = 0; i < 4; ++i) {
        const int64_t byte = quad * 4 + i;
        if (byte >= plan.run) break;
        const int64_t channel = byte % plan.group_in;
        const int64_t at = plan.is_merged ? tap * c.kernel_width + byte / plan.group_in : tap;
        for (int64_t o = 0; o < outputs; ++o) {
          weights[o][i] = weight[o * row + channel * area + at];
        }
      }
      kernels.pack_quad(weights, to);
    }
  }
  if (kernels.finish_panel != nullptr) kernels.finish_panel(plan.taps * plan.quads(), panel);
}

void pack_block(const ConvInt8& c, const TapPlan& plan, const Int8Kernels& kernels,
                const int8_t* weight, int64_t channels, std::byte* block) {
  const int64_t area = c.kernel_height * c.kernel_width;
  for (int64_t tap = 0; tap < plan.padded_taps(); tap += 4) {
    int8_t four[kDepthwiseBlock * 4] = {};
    for (int64_t channel = 0; channel < channels; ++channel) {
      for (int64_t i = 0; i < std::min<int64_t>(4, area - tap); ++i) {
        four[channel * 4 + i] = weight[channel * area + tap + i];
      }
    }
    kernels.pack_depthwise(four, 4, block + tap * kernels.depthwise_tap_bytes);
  }
}

}  // namespace

TapPlan::TapPlan(const ConvInt8& c)
    : group_in(c.in_channels / c.groups),
      group_out(c.out_channels / c.groups),
      is_merged(c.groups == 1 && c.dilation_width == 1),
      taps(c.kernel_height * (is_merged ? 1 : c.kernel_width)),
      run(is_merged ? c.kernel_width * group_in : group_in),
      used_width((c.out_width - 1) * c.stride_width + (c.kernel_width - 1) * c.dilation_width + 1),
      is_direct(is_inside(c) && !c.is_signed &&
                (c.is_depthwise() ? c.in_channels % kDepthwiseBlock == 0 : group_in % 4 == 0)) {}

bool TapPlan::is_inside(const ConvInt8& c) const {
  return c.pad_top == 0 && c.pad_left == 0 && used_width <= c.in_width &&
         used_height(c, c.out_height) <= c.in_height;
}

Int8Packing::Int8Packing(const Int8Kernels& kernels, const ConvInt8& c, const TapPlan& plan) {
  if (c.is_depthwise()) {
    pieces = pieces_of(c.in_channels, kDepthwiseBlock);
    outputs = pieces * kDepthwiseBlock;
    piece_bytes = plan.padded_taps() * kernels.depthwise_tap_bytes;
  } else {
    pieces = c.groups * plan.panels();
    outputs = pieces * kPanelOutputs;
    piece_bytes = plan.taps * plan.quads() * kernels.quad_bytes + kernels.tail_bytes;
  }
}

int64_t Int8Packing::sums_bytes() const {
  return pieces_of(outputs * int64_t{sizeof(int32_t)}, 64) * 64;
}

int64_t conv_int8_packed_bytes(Isa isa, const ConvInt8& conv) {
  return Int8Packing(int8_kernels(isa), conv, TapPlan(conv)).bytes();
}

void pack_conv_int8(Isa isa, const ConvInt8& conv, const int8_t* weight, std::byte* packed,
                    Worker& worker) {
  const TapPlan plan(conv);
  const Int8Kernels& kernels = int8_kernels(isa);
  const Int8Packing layout(kernels, conv, plan);
  auto* sums = reinterpret_cast<int32_t*>(packed);
  std::byte* weights = packed + layout.sums_bytes();
  const int64_t row = plan.group_in * conv.kernel_height * conv.kernel_width;
  const auto [first, last] = worker.split(layout.pieces);
  for (int64_t i = first; i < last; ++i) {
    const int64_t width = conv.is_depthwise() ? kDepthwiseBlock : kPanelOutputs;
    const int64_t in_group = conv.is_depthwise() ? i : i % plan.panels();
    const int64_t lines = conv.is_depthwise() ? conv.out_channels : plan.group_out;
    const int64_t outputs = std::min(width, lines - in_group * width);
    const int64_t group = conv.is_depthwise() ? 0 : i / plan.panels();
    const int8_t* from = weight + (group * plan.group_out + in_group * width) * row;
    for (int64_t o = 0; o < width; ++o) {
      int32_t sum = 0;
      for (int64_t k = 0; k < row && o < outputs; ++k) sum += from[o * row + k];
      sums[i * width + o] = sum;
    }
    std::byte* to = weights + i * layout.piece_bytes;
    if (conv.is_depthwise()) {
      pack_block(conv, plan, kernels, from, outputs, to);
    } else {
      pack_panel(conv, plan, kernels, from, outputs, to);
    }
  }
}

}  // namespace verge::kernels
