#include <algorithm>

#include <verge/engine/kernels/conv_plan.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/rows.hpp>
#include <verge/engine/kernels/tile.hpp>

namespace verge::kernels {
namespace {

// Images are summed in this many chunks, each by one worker: fewer when the sums are large.
constexpr int64_t kMaxChunks = 8;
constexpr int64_t kChunkFloats = 2 * 1024 * 1024;

int64_t round_up(int64_t value, int64_t grain) {
  return (value + grain - 1) / grain * grain;
}

/// The workspace. Sums are [chunk][group][channel panel][tap][columns].
struct Layout {
  Layout(void* base, Isa isa, const Conv2d& conv, int threads)
      : plan(plan_forward(conv)), kernels(tap_kernels(isa)), scratch(base) {
    const Lattice& l = plan.lattice;
    taps = round_up(plan.taps, kernels.rows);
    panels = (plan.lines + kernels.columns - 1) / kernels.columns;
    sums_size = plan.groups * panels * taps * kernels.columns;
    chunks = std::clamp<int64_t>(kChunkFloats / std::max<int64_t>(sums_size, 1), 2, kMaxChunks);
    chunks = std::min(chunks, conv.batch);
    shares = shares_for(threads, chunks * plan.groups, panels);
    offsets = scratch.take<int32_t>(taps);
    plan.offsets = offsets;
    plan.weight_at = scratch.take<int32_t>(taps);
    sums = scratch.take<float>(plan.depthwise ? 0 : chunks * sums_size);
    const int64_t positions = l.positions(l.band) + 16;
    gradient_size = plan.depthwise ? positions : panels * positions * kernels.columns;
    own_size = round_up(plan.planes_size(), 16) + round_up(gradient_size, 16);
    own = scratch.take<float>(threads * own_size);
  }
  float* planes(const Worker& worker) const { return own + worker.index() * own_size; }
  float* gradient(const Worker& worker) const {
    return planes(worker) + round_up(plan.planes_size(), 16);
  }

  ConvPlan plan;
  const TapKernels& kernels;
  Scratch scratch;
  int64_t taps, panels, sums_size, chunks, gradient_size, own_size;
  int64_t shares;  // of the panels, each by one worker: where there are fewer images than threads
  int32_t* offsets;
  float *sums, *own;
};

struct Panels {
  int64_t first, last;
};

/// dy of one band, transposed to [panel][position][columns], zero at positions of the halo.
void load_gradient(Isa isa, const Layout& layout, Panels panels, const float* dy, int64_t first,
                   int64_t rows, float* out) {
  const Lattice& l = layout.plan.lattice;
  const int64_t columns = layout.kernels.columns;
  for (int64_t panel = panels.first; panel < panels.last; ++panel) {
    const int64_t channel = panel * columns;
    const int64_t used = std::min(columns, layout.plan.lines - channel);
    float* to = out + panel * l.positions(rows) * columns;
    for (int64_t r = 0; r < rows; ++r) {
      const float* from = dy + channel * layout.plan.out_plane + (first + r) * l.out_width;
      float* row = to + r * l.pitch() * columns;
      tile_f32(isa).pack(from, layout.plan.out_plane, 1, used, l.out_width,
                         static_cast<int>(columns), row);
      if (r + 1 < rows) {
        std::fill_n(row + l.out_width * columns, l.halo_width * columns, 0.0f);
      }
    }
  }
}

void correlate_image(Isa isa, const Layout& layout, Panels panels, const float* x, const float* dy,
                     float* sums, Worker& worker) {
  const Lattice& l = layout.plan.lattice;
  const TapKernels& kernels = layout.kernels;
  float* planes = layout.planes(worker);
  float* gradient = layout.gradient(worker);
  for (int64_t band = 0; band < l.bands(); ++band) {
    const int64_t rows = l.band_rows(band);
    const int64_t positions = l.positions(rows);
    kernels.load_planes(l, x, band * l.band, rows, planes);
    load_gradient(isa, layout, panels, dy, band * l.band, rows, gradient);
    for (int64_t panel = panels.first; panel < panels.last; ++panel) {
      const int64_t used =
          std::min<int64_t>(kernels.columns, layout.plan.lines - panel * kernels.columns);
      for (int64_t tap = 0; tap < layout.taps; tap += kernels.rows) {
        kernels.correlate(positions, layout.offsets + tap, planes,
                          gradient + panel * positions * kernels.columns, used,
                          sums + (panel * layout.taps + tap) * kernels.columns);
      }
    }
  }
}

void sum_chunks(Isa isa, const Conv2d& conv, const Layout& layout, const float* x, const float* dy,
                Worker& worker) {
  const ConvPlan& plan = layout.plan;
  const int64_t x_size = plan.lattice.channels * conv.in_height * conv.in_width;
  const int64_t dy_size = plan.lines * plan.out_plane;
  const int64_t group_sums = layout.sums_size / plan.groups;
  const int64_t panel_sums = layout.taps * layout.kernels.columns;
  const int64_t pieces = layout.chunks * plan.groups * layout.shares;
  for (int64_t i = worker.claim(); i < pieces; i = worker.claim()) {
    const int64_t share = i % layout.shares;
    const int64_t group = i / layout.shares % plan.groups;
    const int64_t chunk = i / layout.shares / plan.groups;
    const Panels panels{layout.panels * share / layout.shares,
                        layout.panels * (share + 1) / layout.shares};
    float* sums = layout.sums + chunk * layout.sums_size + group * group_sums;
    std::fill(sums + panels.first * panel_sums, sums + panels.last * panel_sums, 0.0f);
    const int64_t last = conv.batch * (chunk + 1) / layout.chunks;
    for (int64_t image = conv.batch * chunk / layout.chunks; image < last; ++image) {
      const int64_t at = image * plan.groups + group;
      correlate_image(isa, layout, panels, x + at * x_size, dy + at * dy_size, sums, worker);
    }
  }
}

void add_chunks(const Layout& layout, float* d_weight, Worker& worker) {
  const ConvPlan& plan = layout.plan;
  const int64_t columns = layout.kernels.columns;
  const auto [first, last] = worker.split(plan.groups * plan.lines);
  for (int64_t line = first; line < last; ++line) {
    const int64_t channel = line % plan.lines;
    const int64_t panel = line / plan.lines * layout.panels + channel / columns;
    for (int64_t tap = 0; tap < plan.taps; ++tap) {
      const float* sum = layout.sums + (panel * layout.taps + tap) * columns + channel % columns;
      float total = 0;
      for (int64_t chunk = 0; chunk < layout.chunks; ++chunk) {
        total += sum[chunk * layout.sums_size];
      }
      d_weight[line * plan.taps + tap] = total;
    }
  }
}

/// Depthwise: each channel belongs to one worker, which goes through all images.
void correlate_channels(Isa isa, const Conv2d& conv, const Layout& layout, const float* x,
                        const float* dy, float* d_weight, Worker& worker) {
  const ConvPlan& plan = layout.plan;
  const Lattice& l = plan.lattice;
  float* planes = layout.planes(worker);
  float* line = layout.gradient(worker);
  for (int64_t channel = worker.claim(); channel < plan.groups; channel = worker.claim()) {
    float* sums = d_weight + channel * plan.taps;
    std::fill_n(sums, plan.taps, 0.0f);
    for (int64_t image = 0; image < conv.batch; ++image) {
      const int64_t at = image * plan.groups + channel;
      for (int64_t band = 0; band < l.bands(); ++band) {
        const int64_t rows = l.band_rows(band);
        layout.kernels.load_planes(l, x + at * l.height * l.width, band * l.band, rows, planes);
        for (int64_t r = 0; r < rows; ++r) {
          const float* from = dy + at * plan.out_plane + (band * l.band + r) * l.out_width;
          std::copy_n(from, l.out_width, line + r * l.pitch());
          if (r + 1 < rows) std::fill_n(line + r * l.pitch() + l.out_width, l.halo_width, 0.0f);
        }
        for (int64_t tap = 0; tap < plan.taps; ++tap) {
          sums[tap] += row_kernels(isa).dot(l.positions(rows), planes + layout.offsets[tap], line);
        }
      }
    }
  }
}

void sum_bias(Isa isa, const Conv2d& conv, int64_t area, const float* dy, float* d_bias,
              Worker& worker) {
  const auto [first, last] = worker.split(conv.out_channels);
  for (int64_t channel = first; channel < last; ++channel) {
    double total = 0;
    for (int64_t image = 0; image < conv.batch; ++image) {
      total += element_kernels(isa).sum(area, dy + (image * conv.out_channels + channel) * area);
    }
    d_bias[channel] = static_cast<float>(total);
  }
}

}  // namespace

int64_t conv2d_backward_weight_bytes(Isa isa, const Conv2d& conv, int threads) {
  return Layout(nullptr, isa, conv, threads).scratch.used();
}

void conv2d_backward_weight(Isa isa, const Conv2d& conv, const float* x, const float* dy,
                            float* d_weight, float* d_bias, void* workspace, Worker& worker) {
  Layout layout(workspace, isa, conv, worker.count());
  if (worker.index() == 0) {
    fill_forward_taps(conv, layout.plan);
    std::fill(layout.offsets + layout.plan.taps, layout.offsets + layout.taps, 0);
  }
  worker.sync();
  if (d_bias != nullptr) sum_bias(isa, conv, layout.plan.out_plane, dy, d_bias, worker);
  if (layout.plan.depthwise) {
    correlate_channels(isa, conv, layout, x, dy, d_weight, worker);
    return;
  }
  sum_chunks(isa, conv, layout, x, dy, worker);
  worker.sync();
  add_chunks(layout, d_weight, worker);
}

}  // namespace verge::kernels
