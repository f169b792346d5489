#include <algorithm>

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/conv_band.hpp>
#include <verge/engine/kernels/conv_plan.hpp>
#include <verge/engine/kernels/conv_tasks.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels {
namespace {

constexpr int64_t kColumnFloats = 48 * 1024;  // 192 KB: with the weights of a panel in an L2 cache
constexpr int64_t kMostColumns = 512;
constexpr int64_t kPlaneFloats = 6 * 1024;  // of a depthwise band: half of an L1 cache

/// A product over source pixels as they are, once those that a stride leaves out are gone: columns
/// of all images in one row.
bool is_pointwise(const Conv2d& c) {
  return c.kernel_height == 1 && c.kernel_width == 1 && c.pad_top == 0 && c.pad_left == 0 &&
         c.pad_bottom == 0 && c.pad_right == 0 && c.in_channels > c.groups;
}

/// What all tasks of a call share.
struct Forward {
  const Conv2d& conv;
  const ConvKernels& kernels;
  ConvPlan plan;
  const float* x = nullptr;
  const float* packed = nullptr;
  const float* bias = nullptr;
  float* y = nullptr;

  const float* weights(int64_t group, int64_t line) const {
    return packed + group * padded_lines() * plan.taps + line * plan.taps;
  }
  int64_t padded_lines() const {
    return plan.depthwise ? 1 : pieces_of(plan.lines, kernels.rows) * kernels.rows;
  }
  const float* residual(int64_t at) const {
    return conv.residual == nullptr ? nullptr : conv.residual + at;
  }
  const float* passed(int64_t at) const {
    return conv.passed == nullptr ? nullptr : conv.passed + at;
  }
  const float* bias_of(int64_t group, int64_t line) const {
    return bias == nullptr ? nullptr : bias + group * plan.lines + line;
  }
};

ConvPlan forward_plan(const Conv2d& conv) {
  ConvPlan plan = plan_forward(conv);
  if (plan.depthwise) choose_band(plan.lattice, kPlaneFloats);
  Lattice& l = plan.lattice;
  l.band = pieces_of(l.out_height, l.bands());
  return plan;
}

/// Columns of a pointwise band, of which a whole tile is read, are never more than this.
int64_t most_columns(const Forward& f) {
  const int64_t grain = f.kernels.columns;
  const int64_t fitting = kColumnFloats / f.plan.lattice.channels / grain * grain;
  const int64_t all = pieces_of(f.conv.batch * f.plan.out_plane, grain) * grain;
  return std::min(std::clamp(fitting, grain, kMostColumns), all);
}

int64_t pointwise_columns(const Forward& f, int threads) {
  const int64_t grain = f.kernels.columns, all = f.conv.batch * f.plan.out_plane;
  const int64_t pieces = std::max<int64_t>(pieces_of(all, most_columns(f)), threads == 1 ? 1 : 2);
  return pieces_of(pieces_of(all, pieces), grain) * grain;
}

/// Columns [first, first + count) of the group's channels: out[channel][columns].
void load_columns(const Forward& f, int64_t group, int64_t first, int64_t count, int64_t columns,
                  const TapKernels& taps, float* out) {
  const Lattice& l = f.plan.lattice;
  const bool is_whole = l.step_height == 1 && l.step_width == 1;
  const int64_t row = is_whole ? f.plan.out_plane : l.out_width;  // what lies together
  for (int64_t at = 0; at < count;) {
    const int64_t position = first + at;
    const int64_t image = position / f.plan.out_plane;
    const int64_t y = position % f.plan.out_plane / row, x = position % row;
    const int64_t run = std::min(row - x, count - at);
    const float* from = f.x +
                        (image * f.conv.in_channels + group * l.channels) * l.height * l.width +
                        y * l.step_height * l.width + x * l.step_width;
    for (int64_t c = 0; c < l.channels; ++c) {
      taps.copy_every(run, l.step_width, from + c * l.height * l.width, out + c * columns + at);
    }
    at += run;
  }
  for (int64_t c = 0; c < l.channels && count < columns; ++c) {
    std::fill(out + c * columns + count, out + (c + 1) * columns, 0.0f);
  }
}

void run_pointwise(Isa isa, const Forward& f, float* own, Worker& worker) {
  const ConvPlan& plan = f.plan;
  const int64_t all = f.conv.batch * plan.out_plane;
  const int64_t columns = pointwise_columns(f, worker.count());
  const int64_t pieces = pieces_of(all, columns);
  const ConvTasks tasks(plan.groups * pieces, plan.lines, f.kernels.rows, worker.count());
  const int32_t offset = 0;
  int64_t loaded = -1;
  for (int64_t i = worker.claim(); i < tasks.count(); i = worker.claim()) {
    const int64_t band = tasks.band(i), group = band / pieces;
    const int64_t first = band % pieces * columns, count = std::min(columns, all - first);
    const int64_t line = tasks.line(i);
    if (band != loaded) load_columns(f, group, first, count, columns, tap_kernels(isa), own);
    loaded = band;
    const int64_t at = (group * plan.lines + line) * plan.out_plane;
    f.kernels.multiply({.planes = own,
                        .channels = plan.lattice.channels,
                        .channel_stride = columns,
                        .taps = 1,
                        .offsets = &offset,
                        .weights = f.weights(group, line),
                        .bias = f.bias_of(group, line),
                        .lines = tasks.lines_of(i),
                        .positions = count,
                        .out = {.data = f.y + at,
                                .residual = f.residual(at),
                                .passed = f.passed(at),
                                .line_stride = plan.out_plane,
                                .row_stride = f.conv.out_channels * plan.out_plane,
                                .rows = f.conv.batch,
                                .width = plan.out_plane,
                                .pitch = plan.out_plane,
                                .first = first,
                                .epilogue = &f.conv}});
  }
}

void run_bands(Isa isa, const Forward& f, float* own, Worker& worker) {
  const ConvPlan& plan = f.plan;
  const Lattice& l = plan.lattice;
  const int64_t bands = l.bands();
  const int64_t area = f.conv.kernel_height * f.conv.kernel_width;
  const ConvTasks tasks(plan.batch * plan.groups * bands, plan.lines, f.kernels.rows,
                        worker.count());
  float* line_sums = own + plan.planes_size();
  auto* offsets = reinterpret_cast<int32_t*>(line_sums + plan.line_size(tap_kernels(isa)));
  fill_kernel_offsets(f.conv, plan, offsets);
  int64_t loaded = -1;
  for (int64_t i = worker.claim(); i < tasks.count(); i = worker.claim()) {
    const int64_t band_index = tasks.band(i), image = band_index / bands;  // and group
    const int64_t group = image % plan.groups;
    const int64_t first = band_index % bands * l.band, rows = l.band_rows(band_index % bands);
    const int64_t line = tasks.line(i);
    if (band_index != loaded) {
      tap_kernels(isa).load_planes(l, f.x + image * l.channels * l.height * l.width, first, rows,
                                   own);
    }
    loaded = band_index;
    const int64_t at = (image * plan.lines + line) * plan.out_plane + first * l.out_width;
    const ConvBand band{.planes = own,
                        .channels = l.channels,
                        .channel_stride = l.phases_height * l.phases_width * l.plane_size(),
                        .taps = area,
                        .offsets = offsets,
                        .weights = f.weights(group, line),
                        .bias = f.bias_of(group, line),
                        .lines = tasks.lines_of(i),
                        .positions = l.positions(rows),
                        .out = {.data = f.y + at,
                                .residual = f.residual(at),
                                .passed = f.passed(at),
                                .line_stride = plan.out_plane,
                                .row_stride = l.out_width,
                                .rows = rows,
                                .width = l.out_width,
                                .pitch = l.pitch(),
                                .epilogue = &f.conv}};
    if (plan.depthwise) {
      f.kernels.filter(band, line_sums);
    } else {
      f.kernels.multiply(band);
    }
  }
}

/// Floats of a worker's planes, line and offsets, or columns.
int64_t own_floats(Isa isa, const Forward& f) {
  const int64_t area = f.conv.kernel_height * f.conv.kernel_width;
  const int64_t floats = is_pointwise(f.conv)
                             ? f.plan.lattice.channels * most_columns(f) + f.kernels.columns
                             : f.plan.planes_size() + f.plan.line_size(tap_kernels(isa)) + area;
  return pieces_of(floats, 16) * 16;
}

}  // namespace

int64_t conv2d_packed_floats(Isa isa, const Conv2d& conv) {
  const ConvPlan plan = plan_forward(conv);
  const int64_t width = plan.depthwise ? 1 : conv_kernels(isa).rows;
  return plan.groups * pieces_of(plan.lines, width) * width * plan.taps;
}

void pack_conv2d(Isa isa, const Conv2d& conv, const float* weight, float* packed, Worker& worker) {
  const ConvPlan plan = plan_forward(conv);
  const int64_t width = plan.depthwise ? 1 : conv_kernels(isa).rows;
  const int64_t panels = pieces_of(plan.lines, width);
  const auto [first, last] = worker.split(plan.groups * panels);
  for (int64_t i = first; i < last; ++i) {
    const int64_t line = i % panels * width;
    const int64_t used = std::min(width, plan.lines - line);
    const float* from = weight + (i / panels * plan.lines + line) * plan.taps;
    float* to = packed + i * width * plan.taps;
    tile_f32(isa).pack(from, plan.taps, 1, used, plan.taps, static_cast<int>(width), to);
  }
}

size_t conv2d_packed_workspace_bytes(Isa isa, const Conv2d& conv, int threads) {
  const Forward f{conv, conv_kernels(isa), forward_plan(conv)};
  return static_cast<size_t>(threads * own_floats(isa, f)) * sizeof(float);
}

void conv2d_packed(Isa isa, const Conv2d& conv, const float* x, const float* packed,
                   const float* bias, float* y, void* workspace, Worker& worker) {
  const Forward f{conv, conv_kernels(isa), forward_plan(conv), x, packed, bias, y};
  float* own = static_cast<float*>(workspace) + worker.index() * own_floats(isa, f);
  if (is_pointwise(conv)) {
    run_pointwise(isa, f, own, worker);
  } else {
    run_bands(isa, f, own, worker);
  }
}

const ConvKernels& conv_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return avx512::kConv;
  if (isa == Isa::Avx2) return avx2::kConv;
#elif defined(__aarch64__)
  if (isa >= Isa::Neon) return neon::kConv;
#endif
  (void)isa;
  return generic::kConv;
}

}  // namespace verge::kernels
