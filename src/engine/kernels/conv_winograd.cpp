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

/// The transform of weights: g[m + 2] = G w[3].
void transform_weights(int m, const float* w, int64_t stride, double* g) {
  const double a = w[0], b = w[stride], c = w[2 * stride];
  if (m == 2) {
    g[0] = a;
    g[1] = (a + b + c) / 2;
    g[2] = (a - b + c) / 2;
    g[3] = c;
    return;
  }
  g[0] = a / 4;
  g[1] = -(a + b + c) / 6;
  g[2] = -(a - b + c) / 6;
  g[3] = a / 24 + b / 12 + c / 6;
  g[4] = a / 24 - b / 12 + c / 6;
  g[5] = c;
}

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

/// What a call reads and writes.
struct Operands {
  const float *packed, *bias;
  float* y;
};

/// The panel of output channels from `line` on: its sums for each of the transformed places, and
/// back.
void run_panel(Isa isa, const Winograd& w, const WinogradTiles& tiles, const Operands& operands,
               int64_t line, int64_t lines, const Own& own) {
  const int64_t channels = w.conv.in_channels, columns = tiles.columns, rows = w.kernels.rows;
  const float* weights = operands.packed + line / rows * w.panel_floats();
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
  const float* residual = w.conv.residual;
  for (int64_t i = 0; i < lines; ++i) {
    const int64_t at = (line + i) * plane;
    winograd_kernels(isa, w.m).store(
        tiles, own.sums + i * columns, rows * columns,
        operands.bias == nullptr ? 0.0f : operands.bias[line + i], w.conv, operands.y + at,
        residual == nullptr ? nullptr : residual + at, w.conv.out_channels * plane);
  }
}

}  // namespace

void transform_winograd_kernel(int m, const float* kernel, int64_t stride, float* out) {
  const int n = m + 2;
  float columns[6 * 3];
  for (int x = 0; x < 3; ++x) {
    double g[6];
    transform_weights(m, kernel + x, 3, g);
    for (int i = 0; i < n; ++i) columns[i * 3 + x] = static_cast<float>(g[i]);
  }
  for (int i = 0; i < n; ++i) {
    double g[6];
    transform_weights(m, columns + i * 3, 1, g);
    for (int j = 0; j < n; ++j) out[(i * n + j) * stride] = static_cast<float>(g[j]);
  }
}

bool winograd_fits(const Conv2d& c) {
  return c.kernel_height == 3 && c.kernel_width == 3 && c.stride_height == 1 &&
         c.stride_width == 1 && c.dilation_height == 1 && c.dilation_width == 1 && c.groups == 1 &&
         c.in_channels > 0;
}

int64_t winograd_packed_floats(Isa isa, const Conv2d& conv, int m) {
  const Winograd w(isa, conv, m);
  return pieces_of(conv.out_channels, w.kernels.rows) * w.panel_floats();
}

void pack_winograd(Isa isa, const Conv2d& conv, int m, const float* weight, float* packed,
                   Worker& worker) {
  const Winograd w(isa, conv, m);
  const int64_t rows = w.kernels.rows, channels = conv.in_channels;
  const auto [first, last] = worker.split(pieces_of(conv.out_channels, rows));
  std::fill(packed + first * w.panel_floats(), packed + last * w.panel_floats(), 0.0f);
  for (int64_t line = first * rows; line < std::min(last * rows, conv.out_channels); ++line) {
    for (int64_t c = 0; c < channels; ++c) {
      transform_winograd_kernel(m, weight + (line * channels + c) * 9, channels * rows,
                                packed + line / rows * w.panel_floats() + c * rows + line % rows);
    }
  }
}

size_t winograd_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads) {
  const Winograd w(isa, conv, m);
  Scratch memory(nullptr);
  for (int i = 0; i < threads; ++i) Own(w, memory);
  return static_cast<size_t>(memory.used());
}

void conv2d_winograd(Isa isa, const Conv2d& conv, int m, const float* x, const float* packed,
                     const float* bias, float* y, void* workspace, Worker& worker) {
  const Winograd w(isa, conv, m);
  const int64_t bytes = static_cast<int64_t>(winograd_workspace_bytes(isa, conv, m, 1));
  Scratch memory(static_cast<std::byte*>(workspace) + worker.index() * bytes);
  const Own own(w, memory);
  std::fill_n(own.scratch, conv.in_width, 0.0f);
  const ConvTasks tasks(pieces_of(w.all, w.tiles.columns), conv.out_channels, w.kernels.rows,
                        worker.count());
  int64_t loaded = -1;
  for (int64_t i = worker.claim(); i < tasks.count(); i = worker.claim()) {
    const WinogradTiles tiles = w.block(tasks.band(i));
    if (tasks.band(i) != loaded) load_block(isa, w, tiles, x, own);
    loaded = tasks.band(i);
    const int64_t end = tasks.line(i) + tasks.lines_of(i);
    for (int64_t line = tasks.line(i); line < end; line += w.kernels.rows) {
      run_panel(isa, w, tiles, {packed, bias, y}, line,
                std::min<int64_t>(w.kernels.rows, end - line), own);
    }
  }
}

const WinogradKernels& winograd_kernels(Isa isa, int m) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return m == 2 ? avx512::kWinogradOf2 : avx512::kWinogradOf4;
  if (isa == Isa::Avx2) return m == 2 ? avx2::kWinogradOf2 : avx2::kWinogradOf4;
#endif
  (void)isa;
  return m == 2 ? generic::kWinogradOf2 : generic::kWinogradOf4;
}

}  // namespace verge::kernels
