#include <verge/engine/kernels/conv_plan.hpp>

namespace verge::kernels {
namespace {

/// Rows (or columns) of one phase of the data gradient. Input coordinate i = stride * R + phase -
/// pad takes dy at R - q for every tap k with k * dilation = stride * q + phase.
struct PhaseAxis {
  int64_t stride, dilation, phase, kernel;
  int64_t first_r, count;  // of R
  int64_t first_input;     // the input coordinate of first_r
  int64_t largest_q, smallest_q;
  bool any;  // a tap falls into this phase

  PhaseAxis(int64_t input, int64_t kernel_size, int64_t stride_size, int64_t pad,
            int64_t dilation_size, int64_t phase_index)
      : stride(stride_size), dilation(dilation_size), phase(phase_index), kernel(kernel_size) {
    first_r = pad > phase ? (pad - phase + stride - 1) / stride : 0;
    const int64_t top = input - 1 + pad - phase;
    count = top < 0 ? 0 : top / stride - first_r + 1;
    first_input = stride * first_r + phase - pad;
    largest_q = 0;
    smallest_q = 0;
    any = false;
    for (int64_t k = 0; k < kernel; ++k) {
      if (!uses(k)) continue;
      smallest_q = any ? std::min(smallest_q, q(k)) : q(k);
      largest_q = any ? std::max(largest_q, q(k)) : q(k);
      any = true;
    }
  }
  bool uses(int64_t k) const { return k * dilation % stride == phase; }
  int64_t q(int64_t k) const { return k * dilation / stride; }
  int64_t taps() const {
    int64_t count_of = 0;
    for (int64_t k = 0; k < kernel; ++k) count_of += uses(k) ? 1 : 0;
    return count_of;
  }
};

PhaseAxis rows_of(const Conv2d& c, int64_t a) {
  return {c.in_height, c.kernel_height, c.stride_height, c.pad_top, c.dilation_height, a};
}
PhaseAxis columns_of(const Conv2d& c, int64_t b) {
  return {c.in_width, c.kernel_width, c.stride_width, c.pad_left, c.dilation_width, b};
}

}  // namespace

ConvPlan plan_forward(const Conv2d& c) {
  ConvPlan plan;
  plan.batch = c.batch;
  plan.groups = c.groups;
  plan.lines = c.out_channels / c.groups;
  Lattice& l = plan.lattice;
  l.channels = c.in_channels / c.groups;
  l.height = c.in_height;
  l.width = c.in_width;
  l.step_height = c.stride_height;
  l.step_width = c.stride_width;
  l.phases_height = std::min(c.stride_height, (c.kernel_height - 1) * c.dilation_height + 1);
  l.phases_width = std::min(c.stride_width, (c.kernel_width - 1) * c.dilation_width + 1);
  l.origin_height = c.pad_top;
  l.origin_width = c.pad_left;
  l.halo_height = (c.kernel_height - 1) * c.dilation_height / c.stride_height;
  l.halo_width = (c.kernel_width - 1) * c.dilation_width / c.stride_width;
  l.out_height = c.out_height();
  l.out_width = c.out_width();
  choose_band(l);
  plan.depthwise = l.channels == 1 && plan.lines == 1;
  plan.taps = l.channels * c.kernel_height * c.kernel_width;
  plan.weight_line_stride = plan.taps;
  plan.out_plane = l.out_height * l.out_width;
  plan.row_stride = l.out_width;
  plan.column_stride = 1;
  return plan;
}

void fill_forward_taps(const Conv2d& c, ConvPlan& plan) {
  int32_t tap = 0;
  for (int64_t channel = 0; channel < plan.lattice.channels; ++channel) {
    for (int64_t y = 0; y < c.kernel_height; ++y) {
      for (int64_t x = 0; x < c.kernel_width; ++x, ++tap) {
        plan.offsets[tap] =
            plan.lattice.offset(channel, y * c.dilation_height, x * c.dilation_width);
        plan.weight_at[tap] = tap;
      }
    }
  }
}

void fill_kernel_offsets(const Conv2d& c, const ConvPlan& plan, int32_t* offsets) {
  for (int64_t y = 0; y < c.kernel_height; ++y) {
    for (int64_t x = 0; x < c.kernel_width; ++x) {
      *offsets++ = plan.lattice.offset(0, y * c.dilation_height, x * c.dilation_width);
    }
  }
}

ConvPlan plan_backward(const Conv2d& c, int64_t a, int64_t b) {
  const PhaseAxis rows = rows_of(c, a);
  const PhaseAxis columns = columns_of(c, b);
  ConvPlan plan;
  plan.batch = c.batch;
  plan.groups = c.groups;
  plan.lines = c.in_channels / c.groups;
  Lattice& l = plan.lattice;
  l.channels = c.out_channels / c.groups;
  l.height = c.out_height();
  l.width = c.out_width();
  l.origin_height = rows.largest_q - rows.first_r;
  l.origin_width = columns.largest_q - columns.first_r;
  l.halo_height = rows.largest_q - rows.smallest_q;
  l.halo_width = columns.largest_q - columns.smallest_q;
  l.out_height = std::max<int64_t>(rows.count, 0);
  l.out_width = std::max<int64_t>(columns.count, 0);
  choose_band(l);
  plan.depthwise = l.channels == 1 && plan.lines == 1;
  plan.taps = l.channels * rows.taps() * columns.taps();
  plan.weight_line_stride = c.kernel_height * c.kernel_width;
  plan.out_plane = c.in_height * c.in_width;
  plan.out_first = rows.first_input * c.in_width + columns.first_input;
  plan.row_stride = c.stride_height * c.in_width;
  plan.column_stride = c.stride_width;
  return plan;
}

void fill_backward_taps(const Conv2d& c, int64_t a, int64_t b, ConvPlan& plan) {
  const PhaseAxis rows = rows_of(c, a);
  const PhaseAxis columns = columns_of(c, b);
  const int64_t area = c.kernel_height * c.kernel_width;
  int64_t tap = 0;
  for (int64_t channel = 0; channel < plan.lattice.channels; ++channel) {
    for (int64_t y = 0; y < c.kernel_height; ++y) {
      for (int64_t x = 0; x < c.kernel_width; ++x) {
        if (!rows.uses(y) || !columns.uses(x)) continue;
        plan.offsets[tap] = plan.lattice.offset(channel, rows.largest_q - rows.q(y),
                                                columns.largest_q - columns.q(x));
        plan.weight_at[tap++] = static_cast<int32_t>(channel * (c.in_channels / c.groups) * area +
                                                     y * c.kernel_width + x);
      }
    }
  }
}

}  // namespace verge::kernels
