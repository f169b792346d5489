#include <algorithm>

#include <verge/engine/kernels/conv_plan.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/rows.hpp>
#include <verge/engine/kernels/tile.hpp>

namespace verge::kernels {
namespace {

// Bands of images are summed in this many chunks, each by one worker: fewer when the sums are
// large, or enough workers can share the channels.
constexpr int64_t kMaxChunks = 8;
constexpr int64_t kChunkFloats = 2 * 1024 * 1024;
constexpr int kLeastPieces = 4;        // a worker, so that none waits long for the last
constexpr int64_t kPlainPixels = 512;  // of a band: a panel of them in half of an L2 cache at most

int64_t round_up(int64_t value, int64_t grain) {
  return (value + grain - 1) / grain * grain;
}

/// A product over pixels as they are: no tap but one, no stride and no padding.
bool is_plain_product(const Conv2d& c) {
  return c.kernel_height == 1 && c.kernel_width == 1 && c.stride_height == 1 &&
         c.stride_width == 1 && c.pad_top == 0 && c.pad_left == 0 && c.pad_bottom == 0 &&
         c.pad_right == 0 && c.in_channels > c.groups;
}

/// A plain product's pixels in one column, so that bands are as long as memory wants them.
Conv2d in_one_column(Conv2d conv) {
  if (!is_plain_product(conv)) return conv;
  conv.in_height *= conv.in_width;
  conv.in_width = 1;
  return conv;
}

/// The workspace. Sums are [chunk][group][channel panel][tap][columns].
struct Layout {
  Layout(void* base, Isa isa, const Conv2d& conv, int threads)
      : plan(plan_forward(conv)),
        kernels(tap_kernels(isa)),
        scratch(base),
        is_plain(is_plain_product(conv)) {
    if (is_plain) plan.lattice.band = std::min(plan.lattice.band, kPlainPixels);
    const Lattice& l = plan.lattice;
    taps = round_up(plan.taps, kernels.rows);
    panels = (plan.lines + kernels.columns - 1) / kernels.columns;
    sums_size = plan.groups * panels * taps * kernels.columns;
    chunks = std::clamp<int64_t>(kChunkFloats / std::max<int64_t>(sums_size, 1), 1, kMaxChunks);
    while (chunks > 1 && chunks / 2 * panels * plan.groups >= kMaxChunks) chunks /= 2;
    chunks = std::clamp<int64_t>(conv.batch * l.bands(), 1, chunks);
    shares = shares_for(kLeastPieces * threads, chunks * plan.groups, panels);
    offsets = scratch.take<int32_t>(taps);
    plan.offsets = offsets;
    plan.weight_at = scratch.take<int32_t>(taps);
    sums = scratch.take<float>(plan.depthwise ? 0 : chunks * sums_size);
    const int64_t positions = l.positions(l.band) + 16;
    gradient_size = plan.depthwise ? positions : panels * positions * kernels.columns;
    planes_size = is_plain ? 0 : round_up(plan.planes_size(), 16);
    own_size = planes_size + round_up(gradient_size, 16);
    own = scratch.take<float>(threads * own_size);
  }
  float* planes(const Worker& worker) const { return own + worker.index() * own_size; }
  float* gradient(const Worker& worker) const { return planes(worker) + planes_size; }

  ConvPlan plan;
  const TapKernels& kernels;
  Scratch scratch;
  bool is_plain;  // planes are the image itself
  int64_t planes_size;
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
    if (l.halo_width == 0) {
      tile_f32(isa).pack(dy + channel * layout.plan.out_plane + first * l.out_width,
                         layout.plan.out_plane, 1, used, rows * l.out_width,
                         static_cast<int>(columns), to);
      continue;
    }
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

void correlate_band(Isa isa, const Layout& layout, Panels panels, int64_t band, const float* x,
                    const float* dy, float* sums, Worker& worker) {
  const Lattice& l = layout.plan.lattice;
  const TapKernels& kernels = layout.kernels;
  float* gradient = layout.gradient(worker);
  const int64_t rows = l.band_rows(band), positions = l.positions(rows);
  const float* planes = x + band * l.band;
  if (!layout.is_plain) {
    kernels.load_planes(l, x, band * l.band, rows, layout.planes(worker));
    planes = layout.planes(worker);
  }
  load_gradient(isa, layout, panels, dy, band * l.band, rows, gradient);
  for (int64_t panel = panels.first; panel < panels.last; ++panel) {
    const int64_t used =
        std::min<int64_t>(kernels.columns, layout.plan.lines - panel * kernels.columns);
    for (int64_t tap = 0; tap < layout.plan.taps; tap += kernels.rows) {
      kernels.correlate(positions, layout.offsets + tap, planes,
                        gradient + panel * positions * kernels.columns,
                        std::min<int64_t>(kernels.rows, layout.plan.taps - tap), used,
                        sums + (panel * layout.taps + tap) * kernels.columns);
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
  const int64_t bands = plan.lattice.bands(), all = conv.batch * bands;
  const int64_t pieces = layout.chunks * plan.groups * layout.shares;
  for (int64_t i = worker.claim(); i < pieces; i = worker.claim()) {
    const int64_t share = i % layout.shares;
    const int64_t group = i / layout.shares % plan.groups;
    const int64_t chunk = i / layout.shares / plan.groups;
    const Panels panels{layout.panels * share / layout.shares,
                        layout.panels * (share + 1) / layout.shares};
    float* sums = layout.sums + chunk * layout.sums_size + group * group_sums;
    std::fill(sums + panels.first * panel_sums, sums + panels.last * panel_sums, 0.0f);
    for (int64_t j = all * chunk / layout.chunks; j < all * (chunk + 1) / layout.chunks; ++j) {
      const int64_t at = j / bands * plan.groups + group;
      correlate_band(isa, layout, panels, j % bands, x + at * x_size, dy + at * dy_size, sums,
                     worker);
    }
  }
}

/// The sums of a panel over all chunks, some taps at a time, and from there into rows of taps.
void add_panel(Isa isa, const Layout& layout, int64_t panel, int64_t lines, float* d_weight) {
  constexpr int64_t kTaps = 64;
  const int64_t columns = layout.kernels.columns, taps = layout.plan.taps;
  float totals[kTaps * 32];
  const float* sums = layout.sums + panel * layout.taps * columns;
  for (int64_t tap = 0; tap < taps; tap += kTaps, sums += kTaps * columns) {
    const int64_t some = std::min(kTaps, taps - tap);
    std::copy_n(sums, some * columns, totals);
    for (int64_t chunk = 1; chunk < layout.chunks; ++chunk) {
      element_kernels(isa).add(some * columns, totals, sums + chunk * layout.sums_size, totals);
    }
    for (int64_t line = 0; line < lines; ++line) {
      float* to = d_weight + line * taps + tap;
      for (int64_t t = 0; t < some; ++t) to[t] = totals[t * columns + line];
    }
  }
}

void add_chunks(Isa isa, const Layout& layout, float* d_weight, Worker& worker) {
  const ConvPlan& plan = layout.plan;
  const int64_t columns = layout.kernels.columns;
  for (int64_t i = worker.claim(); i < plan.groups * layout.panels; i = worker.claim()) {
    const int64_t channel = i % layout.panels * columns;
    add_panel(isa, layout, i, std::min(columns, plan.lines - channel),
              d_weight + (i / layout.panels * plan.lines + channel) * plan.taps);
  }
}

/// Depthwise: each channel belongs to one worker, which goes through all images. Where rows are
/// shorter than a vector, they are laid out as in the planes and taken as one.
void correlate_channels(const Conv2d& conv, const Layout& layout, const float* x, const float* dy,
                        float* d_weight, Worker& worker) {
  const ConvPlan& plan = layout.plan;
  const Lattice& l = plan.lattice;
  const bool is_short = l.out_width < layout.kernels.columns / 2;
  float* planes = layout.planes(worker);
  float* line = layout.gradient(worker);
  for (int64_t channel = worker.claim(); channel < plan.groups; channel = worker.claim()) {
    float* sums = d_weight + channel * plan.taps;
    std::fill_n(sums, plan.taps, 0.0f);
    for (int64_t i = 0; i < conv.batch * l.bands(); ++i) {
      const int64_t at = i / l.bands() * plan.groups + channel, band = i % l.bands();
      const int64_t rows = l.band_rows(band);
      layout.kernels.load_planes(l, x + at * l.height * l.width, band * l.band, rows, planes);
      ChannelGradient gradient{plan.taps,
                               layout.offsets,
                               planes,
                               l.pitch(),
                               dy + at * plan.out_plane + band * l.band * l.out_width,
                               l.out_width,
                               rows,
                               l.out_width};
      if (is_short) {
        for (int64_t r = 0; r < rows; ++r) {
          std::copy_n(gradient.d_out + r * l.out_width, l.out_width, line + r * l.pitch());
          const bool is_last = r + 1 == rows;
          std::fill_n(line + r * l.pitch() + l.out_width, is_last ? 0 : l.halo_width, 0.0f);
        }
        gradient.d_out = line;
        gradient.rows = 1;
        gradient.width = l.positions(rows);
      }
      layout.kernels.correlate_channel(gradient, sums);
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
  return Layout(nullptr, isa, in_one_column(conv), threads).scratch.used();
}

void conv2d_backward_weight(Isa isa, const Conv2d& image, const float* x, const float* dy,
                            float* d_weight, float* d_bias, void* workspace, Worker& worker) {
  const Conv2d conv = in_one_column(image);
  Layout layout(workspace, isa, conv, worker.count());
  if (worker.index() == 0) {
    fill_forward_taps(conv, layout.plan);
    for (int64_t i = 0; i < layout.plan.taps && layout.is_plain; ++i) {
      layout.offsets[i] = static_cast<int32_t>(i * layout.plan.out_plane);
    }
    std::fill(layout.offsets + layout.plan.taps, layout.offsets + layout.taps, 0);
  }
  worker.sync();
  if (d_bias != nullptr) sum_bias(isa, conv, layout.plan.out_plane, dy, d_bias, worker);
  if (layout.plan.depthwise) {
    correlate_channels(conv, layout, x, dy, d_weight, worker);
    return;
  }
  sum_chunks(isa, conv, layout, x, dy, worker);
  worker.sync();
  add_chunks(isa, layout, d_weight, worker);
}

}  // namespace verge::kernels
