#include <algorithm>

#include <verge/engine/kernels/conv_band.hpp>
#include <verge/engine/kernels/conv_tasks.hpp>
#include <verge/engine/kernels/conv_winograd.hpp>
#include <verge/engine/kernels/scratch.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels {
namespace {

constexpr int64_t kBlockFloats = 192 * 1024;  // of transformed tiles: 768 KB of an L2 cache
constexpr int64_t kMostColumns = 128;
constexpr int64_t kColumnGrain = 16;

/// What all tasks of a call share.
struct Winograd {
  const Conv2d& conv;
  const ConvKernels& kernels;
  int m;
  WinogradTiles tiles;
  int64_t all;           // tiles of all images
  int64_t most_columns;  // of a block, for any smaller batch too

  Winograd(Isa isa, const Conv2d& c, int size) : conv(c), kernels(conv_kernels(isa)), m(size) {
    const int64_t height = c.out_height(), width = c.out_width();
    tiles = {c.in_height,          c.in_width,          c.pad_top, c.pad_left, height, width,
             pieces_of(height, m), pieces_of(width, m), 0,         0,          0};
    all = c.batch * tiles.down * tiles.across;
    const int64_t fitting = kBlockFloats / (area() * c.in_channels) / kColumnGrain * kColumnGrain;
    const int64_t least = std::max<int64_t>(kernels.columns, kColumnGrain);
    const int64_t most = std::clamp<int64_t>(fitting, least, kMostColumns);
    most_columns = std::min(most, pieces_of(all, kColumnGrain) * kColumnGrain);
    tiles.columns = pieces_of(pieces_of(all, pieces_of(all, most)), kColumnGrain) * kColumnGrain;
  }
  int64_t area() const { return int64_t{m + 2} * (m + 2); }
  int64_t panel_floats() const { return area() * conv.in_channels * kernels.rows; }
  int64_t scratch_floats() const {
    return tiles.width + int64_t{m + 2} * (m * tiles.across + kWinogradSlack);
  }
  WinogradTiles block(int64_t index) const {
    WinogradTiles some = tiles;
    some.first = index * tiles.columns;
    some.count = std::min(tiles.columns, all - some.first);
    return some;
  }
};

/// A worker's memory.
struct Own {
  float *scratch, *tiles, *sums;

  Own(const Winograd& w, Scratch& memory)
      : scratch(memory.take<float>(w.scratch_floats())),
        tiles(
            memory.take<float>(w.area() * w.conv.in_channels * w.most_columns + w.kernels.columns)),
        sums(memory.take<float>(w.area() * w.kernels.rows * w.most_columns)) {}
};

void load_block(Isa isa, const Winograd& w, const WinogradTiles& tiles, const float* x,
                const Own& own) {
  const Conv2d& c = w.conv;
  const int64_t image = c.in_height * c.in_width;
  for (int64_t channel = 0; channel < c.in_channels; ++channel) {
    winograd_kernels(isa, w.m).load(tiles, x + channel * image, c.in_channels * image, own.scratch,
                                    c.in_channels * tiles.columns,
                                    own.tiles + channel * tiles.columns);
  }
}

/// Where the kernels of 3 x 3 of a weight lie.
struct Kernels {
  const float* data;
  int64_t line_stride, channel_stride;
  bool is_turned;  // by half a circle
};

/// What a call reads and writes.
struct Operands {
  const float *packed, *bias;
  float* y;
  const Kernels* unpacked = nullptr;  // then `packed` is one panel's memory, of this worker
};

constexpr int64_t kTapFloats = 64 * 12;  // kernels that are transformed at once: 27 KB of an L1

int64_t kernels_at_once(const Winograd& w) {
  return kTapFloats / w.kernels.rows;
}

/// Kernels of the lines from `line` on and of channels from `channel` on, of the panel at `packed`.
void pack_some(Isa isa, const Winograd& w, const Kernels& from, int64_t line, int64_t channel,
               float* packed) {
  const int64_t rows = w.kernels.rows, channels = w.conv.in_channels;
  const int64_t used = std::min(rows, w.conv.out_channels - line);
  const int64_t count = std::min(kernels_at_once(w), channels - channel) * rows;
  alignas(64) float taps[9 * kTapFloats];
  if (used < rows) std::fill_n(taps, 9 * count, 0.0f);
  for (int64_t at = 0; at < count; at += rows) {
    const float* kernel =
        from.data + line * from.line_stride + (channel + at / rows) * from.channel_stride;
    for (int64_t j = 0; j < used; ++j, kernel += from.line_stride) {
      for (int64_t t = 0; t < 9; ++t) {
        taps[(from.is_turned ? 8 - t : t) * count + at + j] = kernel[t];
      }
    }
  }
  winograd_kernels(isa, w.m).weights(count, taps, count, channels * rows, packed + channel * rows);
}

Kernels kernels_of(const Conv2d& conv, const WinogradWeight& weight) {
  return weight.is_mirrored ? Kernels{weight.data, 9, conv.out_channels * 9, true}
                            : Kernels{weight.data, conv.in_channels * 9, 9, false};
}

void pack_kernels(Isa isa, const Winograd& w, const Kernels& from, float* packed, Worker& worker) {
  const int64_t rows = w.kernels.rows, some = kernels_at_once(w);
  const int64_t blocks = pieces_of(w.conv.in_channels, some);
  const auto [first, last] = worker.split(pieces_of(w.conv.out_channels, rows) * blocks);
  for (int64_t i = first; i < last; ++i) {
    pack_some(isa, w, from, i / blocks * rows, i % blocks * some,
              packed + i / blocks * w.panel_floats());
  }
}

/// The panel of output channels from `line` on: its sums for each of the transformed places, and
/// back.
void run_panel(Isa isa, const Winograd& w, const WinogradTiles& tiles, const Operands& operands,
               int64_t line, int64_t lines, const Own& own) {
  const int64_t channels = w.conv.in_channels, columns = tiles.columns, rows = w.kernels.rows;
  const float* weights = operands.packed;
  if (operands.unpacked == nullptr) {
    weights += line / rows * w.panel_floats();
  } else {
    for (int64_t c = 0; c < channels; c += kernels_at_once(w)) {
      pack_some(isa, w, *operands.unpacked, line, c, const_cast<float*>(operands.packed));
    }
  }
  const int32_t offset = 0;
  for (int64_t xi = 0; xi < w.area(); ++xi) {
    w.kernels.multiply({.planes = own.tiles + xi * channels * columns,
                        .channels = channels,
                        .channel_stride = columns,
                        .taps = 1,
                        .offsets = &offset,
                        .weights = weights + xi * channels * rows,
                        .bias = nullptr,
                        .lines = lines,
                        .positions = tiles.count,
                        .out = {.data = own.sums + xi * rows * columns,
                                .line_stride = columns,
                                .rows = 1,
                                .width = columns,
                                .pitch = columns}});
  }
  const int64_t plane = tiles.out_height * tiles.out_width;
  const float *residual = w.conv.residual, *passed = w.conv.passed;
  for (int64_t i = 0; i < lines; ++i) {
    const int64_t at = (line + i) * plane;
    winograd_kernels(isa, w.m).store(
        tiles, own.sums + i * columns, rows * columns,
        operands.bias == nullptr ? 0.0f : operands.bias[line + i], w.conv, operands.y + at,
        residual == nullptr ? nullptr : residual + at, passed == nullptr ? nullptr : passed + at,
        w.conv.out_channels * plane);
  }
}

}  // namespace

bool winograd_fits(const Conv2d& c) {
  return c.kernel_height == 3 && c.kernel_width == 3 && c.stride_height == 1 &&
         c.stride_width == 1 && c.dilation_height == 1 && c.dilation_width == 1 && c.groups == 1 &&
         c.in_channels > 0;
}

int64_t winograd_packed_floats(Isa isa, const Conv2d& conv, int m) {
  const Winograd w(isa, conv, m);
  return pieces_of(conv.out_channels, w.kernels.rows) * w.panel_floats();
}

void pack_winograd(Isa isa, const Conv2d& conv, int m, const WinogradWeight& weight, float* packed,
                   Worker& worker) {
  pack_kernels(isa, Winograd(isa, conv, m), kernels_of(conv, weight), packed, worker);
}

size_t winograd_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads) {
  const Winograd w(isa, conv, m);
  Scratch memory(nullptr);
  for (int i = 0; i < threads; ++i) Own(w, memory);
  return static_cast<size_t>(memory.used());
}

namespace {

void run_tasks(Isa isa, const Winograd& w, const float* x, const Operands& operands,
               void* workspace, Worker& worker) {
  const auto bytes = static_cast<int64_t>(winograd_workspace_bytes(isa, w.conv, w.m, 1));
  Scratch memory(static_cast<std::byte*>(workspace) + worker.index() * bytes);
  const Own own(w, memory);
  std::fill_n(own.scratch, w.conv.in_width, 0.0f);
  const ConvTasks tasks(pieces_of(w.all, w.tiles.columns), w.conv.out_channels, w.kernels.rows,
                        worker.count());
  int64_t loaded = -1;
  for (int64_t i = worker.claim(); i < tasks.count(); i = worker.claim()) {
    const WinogradTiles tiles = w.block(tasks.band(i));
    if (tasks.band(i) != loaded) load_block(isa, w, tiles, x, own);
    loaded = tasks.band(i);
    const int64_t end = tasks.line(i) + tasks.lines_of(i);
    for (int64_t line = tasks.line(i); line < end; line += w.kernels.rows) {
      run_panel(isa, w, tiles, operands, line, std::min<int64_t>(w.kernels.rows, end - line), own);
    }
  }
}

/// Floats for weights that are transformed in a call: a panel for each worker where each is used
/// once, as for any smaller batch.
int64_t trained_floats(Isa isa, const Winograd& w, int threads) {
  const int64_t panels = threads * w.panel_floats();
  if (w.all <= w.tiles.columns) return panels;
  return std::max(panels, winograd_packed_floats(isa, w.conv, w.m));
}

}  // namespace

void conv2d_winograd(Isa isa, const Conv2d& conv, int m, const float* x, const float* packed,
                     const float* bias, float* y, void* workspace, Worker& worker) {
  run_tasks(isa, Winograd(isa, conv, m), x, {packed, bias, y}, workspace, worker);
}

size_t trained_winograd_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads) {
  Scratch memory(nullptr);
  memory.take<float>(trained_floats(isa, Winograd(isa, conv, m), threads));
  return static_cast<size_t>(memory.used()) + winograd_workspace_bytes(isa, conv, m, threads);
}

void conv2d_trained_winograd(Isa isa, const Conv2d& conv, int m, const float* x,
                             const WinogradWeight& weight, const float* bias, float* y,
                             void* workspace, Worker& worker) {
  const Winograd w(isa, conv, m);
  const Kernels kernels = kernels_of(conv, weight);
  Scratch memory(workspace);
  auto* packed = memory.take<float>(trained_floats(isa, w, worker.count()));
  void* rest = static_cast<std::byte*>(workspace) + memory.used();
  if (w.all <= w.tiles.columns) {
    packed += worker.index() * w.panel_floats();
    return run_tasks(isa, w, x, {packed, bias, y, &kernels}, rest, worker);
  }
  pack_kernels(isa, w, kernels, packed, worker);
  worker.sync();
  run_tasks(isa, w, x, {packed, bias, y}, rest, worker);
}

const WinogradKernels& winograd_kernels(Isa isa, int m) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return m == 2 ? avx512::kWinogradOf2 : avx512::kWinogradOf4;
  if (isa == Isa::Avx2) return m == 2 ? avx2::kWinogradOf2 : avx2::kWinogradOf4;
#elif defined(__aarch64__)
  if (isa >= Isa::Neon) return m == 2 ? neon::kWinogradOf2 : neon::kWinogradOf4;
#endif
  (void)isa;
  return m == 2 ? generic::kWinogradOf2 : generic::kWinogradOf4;
}

}  // namespace verge::kernels
