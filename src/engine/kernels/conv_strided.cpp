#include <algorithm>

#include <verge/engine/kernels/conv_strided.hpp>
#include <verge/engine/kernels/scratch.hpp>
#include <verge/engine/kernels/taps.hpp>

namespace verge::kernels {
namespace {

/// Rows or columns. Input coordinate i, with i + pad = stride * r + phase, takes dy at r - q for
/// every tap k with k * dilation = stride * q + phase.
struct StridedAxis {
  int64_t stride, dilation, pad, input, kernel;

  int64_t first() const { return pad / stride; }  // of r
  int64_t count() const { return (input - 1 + pad) / stride - first() + 1; }
  int64_t most() const { return (kernel - 1) * dilation / stride; }  // of q
  int64_t phase(int64_t i) const { return (i + pad) % stride; }
  int64_t row(int64_t i) const { return (i + pad) / stride - first(); }
  bool uses(int64_t k, int64_t of_phase) const { return k * dilation % stride == of_phase; }
  /// From the place of r on.
  int64_t reach(int64_t k) const { return most() - k * dilation / stride; }
};

struct Strided {
  StridedAxis down, across;
  Lattice lattice;

  explicit Strided(const Conv2d& c)
      : down{c.stride_height, c.dilation_height, c.pad_top, c.in_height, c.kernel_height},
        across{2, c.dilation_width, c.pad_left, c.in_width, c.kernel_width} {
    lattice.channels = 1;
    lattice.height = c.out_height();
    lattice.width = c.out_width();
    lattice.halo_height = down.most();
    lattice.halo_width = across.most();
    lattice.origin_height = down.most() - down.first();
    lattice.origin_width = across.most() - across.first();
    lattice.out_height = lattice.band = down.count();
    lattice.out_width = across.count();
  }
  int64_t taps() const { return down.kernel * across.kernel; }
};

/// A worker's memory. Taps are sorted by the phase of rows, then by even and odd columns.
struct StridedOwn {
  float *planes, *weights;
  int32_t *offsets, *weight_at;

  StridedOwn(const Strided& s, Scratch& scratch)
      : planes(scratch.take<float>(s.lattice.buffer_size())),
        weights(scratch.take<float>(s.taps())),
        offsets(scratch.take<int32_t>(s.taps())),
        weight_at(scratch.take<int32_t>(s.taps())) {}
};

/// Writes the taps of rows of a phase and columns of a parity from `at` on; how many there are.
int64_t fill_taps(const Strided& s, int64_t phase, int64_t parity, int64_t at,
                  const StridedOwn& own) {
  int64_t count = 0;
  for (int64_t tap = 0; tap < s.taps(); ++tap) {
    const int64_t y = tap / s.across.kernel, x = tap % s.across.kernel;
    if (!s.down.uses(y, phase) || !s.across.uses(x, s.across.phase(parity))) continue;
    own.weight_at[at + count] = static_cast<int32_t>(tap);
    own.offsets[at + count++] = static_cast<int32_t>(s.down.reach(y) * s.lattice.pitch() +
                                                     s.across.reach(x) + s.across.row(parity));
  }
  return count;
}

/// The taps of a phase of rows.
struct PhaseTaps {
  int64_t first = 0, counts[2] = {};
};

constexpr int64_t kMostPhases = 8;

}  // namespace

bool strided_fits(const Conv2d& c) {
  return c.groups > 0 && c.in_channels == c.groups && c.out_channels == c.groups &&
         c.stride_width == 2 && c.stride_height <= kMostPhases;
}

size_t strided_workspace_bytes(const Conv2d& conv, int threads) {
  const Strided s(conv);
  Scratch scratch(nullptr);
  for (int i = 0; i < threads; ++i) StridedOwn(s, scratch);
  return static_cast<size_t>(scratch.used());
}

void strided_backward_data(Isa isa, const Conv2d& conv, const float* dy, const float* weight,
                           float* dx, void* workspace, Worker& worker) {
  const Strided s(conv);
  const auto bytes = static_cast<int64_t>(strided_workspace_bytes(conv, 1));
  Scratch scratch(static_cast<std::byte*>(workspace) + worker.index() * bytes);
  const StridedOwn own(s, scratch);
  PhaseTaps phases[kMostPhases];
  int64_t at = 0;
  for (int64_t phase = 0; phase < s.down.stride; ++phase) {
    phases[phase].first = at;
    for (int64_t parity : {0, 1}) {
      at += phases[phase].counts[parity] = fill_taps(s, phase, parity, at, own);
    }
  }
  const TapKernels& kernels = tap_kernels(isa);
  const int64_t plane = s.lattice.height * s.lattice.width, image = conv.in_height * conv.in_width;
  for (int64_t i = worker.claim(); i < conv.batch * conv.groups; i = worker.claim()) {
    kernels.load_planes(s.lattice, dy + i * plane, 0, s.lattice.band, own.planes);
    for (int64_t tap = 0; tap < at; ++tap) {
      own.weights[tap] = weight[i % conv.groups * s.taps() + own.weight_at[tap]];
    }
    for (int64_t y = 0; y < conv.in_height; ++y) {
      const PhaseTaps& taps = phases[s.down.phase(y)];
      const int64_t place = i * image + y * conv.in_width;
      kernels.spread_row({.planes = own.planes + s.down.row(y) * s.lattice.pitch(),
                          .offsets = own.offsets + taps.first,
                          .weights = own.weights + taps.first,
                          .even = taps.counts[0],
                          .odd = taps.counts[1],
                          .width = conv.in_width,
                          .out = dx + place,
                          .residual = conv.residual == nullptr ? nullptr : conv.residual + place,
                          .passed = conv.passed == nullptr ? nullptr : conv.passed + place,
                          .epilogue = &conv});
    }
  }
}

}  // namespace verge::kernels
