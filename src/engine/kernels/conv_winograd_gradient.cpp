#include <algorithm>

#include <verge/engine/kernels/conv_tasks.hpp>
#include <verge/engine/kernels/conv_winograd_gradient.hpp>
#include <verge/engine/kernels/scratch.hpp>
#include <verge/engine/kernels/taps.hpp>
#include <verge/engine/kernels/tile.hpp>
#include <verge/engine/kernels/winograd_tiles.hpp>

namespace verge::kernels {
namespace {

constexpr int64_t kChunkFloats = 512 * 1024;  // of transformed tiles, or twice as many as sums
constexpr int64_t kPackedTiles = 64;          // of dy, transformed and packed at once
constexpr int64_t kBlockRows = 48;            // input channels of a task
constexpr int64_t kGrain = 16;

WinogradTiles tiles_of(int64_t height, int64_t width, const Conv2d& c, int m) {
  WinogradTiles tiles{};
  tiles.height = height;
  tiles.width = width;
  tiles.out_height = c.out_height();
  tiles.out_width = c.out_width();
  tiles.down = pieces_of(tiles.out_height, m);
  tiles.across = pieces_of(tiles.out_width, m);
  return tiles;
}

/// The workspace. Tiles are taken in chunks, one after the other; between them sums stay in `sums`:
/// [panel][block][xi][rows][columns].
struct Gradient {
  Gradient(void* base, Isa isa, const Conv2d& c, int size, int threads)
      : conv(c),
        m(size),
        taps(tap_kernels(isa)),
        x_tiles(tiles_of(c.in_height, c.in_width, c, size)),
        dy_tiles(tiles_of(c.out_height(), c.out_width(), c, size)) {
    x_tiles.pad_top = c.pad_top;
    x_tiles.pad_left = c.pad_left;
    all = c.batch * x_tiles.down * x_tiles.across;
    block_rows = pieces_of(kBlockRows, taps.rows) * taps.rows;
    blocks = pieces_of(c.in_channels, block_rows);
    panels = pieces_of(c.out_channels, taps.columns);
    block_sums = area() * block_rows * taps.columns;
    const int64_t tile = area() * (c.in_channels + panels * taps.columns);
    const int64_t all_sums = panels * blocks * block_sums;
    const int64_t fitting = std::max({kChunkFloats, 2 * all_sums, kPackedTiles * tile}) / tile;
    most = fitting + all_sums / tile;
    chunks = all <= most ? 1 : pieces_of(all, fitting);
    chunk = chunks == 1 ? all : pieces_of(pieces_of(all, chunks), kGrain) * kGrain;
    stride = chunk % 64 == 0 ? chunk + kGrain : chunk;  // rows must not fall on one cache set
    const int64_t room = chunks == 1 ? chunk : pieces_of(fitting, kGrain) * kGrain;
    Scratch scratch(base);
    offsets = scratch.take<int32_t>(block_rows * blocks);
    x = scratch.take<float>(area() * c.in_channels * (room + kGrain));
    dy = scratch.take<float>(area() * panels * room * taps.columns);
    sums = scratch.take<float>(chunks > 1 ? panels * blocks * block_sums : 0);
    own_x = x_tiles.width + rows_floats(x_tiles);
    own_dy = dy_tiles.width + rows_floats(dy_tiles);
    own_tiles = area() * taps.columns * kPackedTiles;
    own_taps = 9 * block_rows * taps.columns;
    own_size = own_x + own_dy + own_tiles + own_taps + (chunks > 1 ? 0 : block_sums);
    own = scratch.take<float>(threads * own_size);
    bytes = scratch.used();
  }
  int64_t area() const { return int64_t{m + 2} * (m + 2); }
  int64_t rows_floats(const WinogradTiles& tiles) const {
    return int64_t{m + 2} * (m * tiles.across + kWinogradSlack);
  }
  const Conv2d& conv;
  int m;
  const TapKernels& taps;
  WinogradTiles x_tiles, dy_tiles;
  int64_t all, most;  // tiles of all images; that are taken at once, if that takes no more memory
  int64_t block_rows, blocks, panels, block_sums, chunk, chunks, stride;
  int64_t own_x, own_dy, own_tiles, own_taps, own_size, bytes;
  int32_t* offsets;
  float *x, *dy, *sums, *own;
};

/// A worker's memory.
struct GradientOwn {
  float *x_scratch, *dy_scratch, *tiles, *taps, *sums;

  GradientOwn(const Gradient& g, const Worker& worker) {
    x_scratch = g.own + worker.index() * g.own_size;
    dy_scratch = x_scratch + g.own_x;
    tiles = dy_scratch + g.own_dy;
    taps = tiles + g.own_tiles;
    sums = taps + g.own_taps;
    std::fill_n(x_scratch, g.x_tiles.width, 0.0f);
    std::fill_n(dy_scratch, g.dy_tiles.width, 0.0f);
  }
};

struct ChunkTiles {
  int64_t first, count;
};

void load_channel(Isa isa, const Gradient& g, ChunkTiles chunk, const float* x, int64_t channel,
                  const GradientOwn& own) {
  const int64_t image = g.conv.in_height * g.conv.in_width;
  WinogradTiles tiles = g.x_tiles;
  tiles.first = chunk.first;
  tiles.count = chunk.count;
  winograd_kernels(isa, g.m).load(tiles, x + channel * image, g.conv.in_channels * image,
                                  own.x_scratch, g.conv.in_channels * g.stride,
                                  g.x + channel * g.stride);
}

/// Tiles [at, at + kPackedTiles) of the chunk, of a panel of channels of dy: [xi][panel][tile]
/// [columns].
void load_panel(Isa isa, const Gradient& g, ChunkTiles chunk, const float* dy, int64_t panel,
                int64_t at, const GradientOwn& own) {
  const int64_t image = g.dy_tiles.height * g.dy_tiles.width, columns = g.taps.columns;
  const int64_t used = std::min(columns, g.conv.out_channels - panel * columns);
  WinogradTiles tiles = g.dy_tiles;
  tiles.first = chunk.first + at;
  tiles.count = std::min(kPackedTiles, chunk.count - at);
  for (int64_t i = 0; i < used; ++i) {
    winograd_kernels(isa, g.m).spread(tiles, dy + (panel * columns + i) * image,
                                      g.conv.out_channels * image, own.dy_scratch,
                                      columns * kPackedTiles, own.tiles + i * kPackedTiles);
  }
  for (int64_t xi = 0; xi < g.area(); ++xi) {
    tile_f32(isa).pack(own.tiles + xi * columns * kPackedTiles, kPackedTiles, 1, used, tiles.count,
                       static_cast<int>(columns),
                       g.dy + ((xi * g.panels + panel) * g.chunk + at) * columns);
  }
}

void load_chunk(Isa isa, const Gradient& g, ChunkTiles chunk, const float* x, const float* dy,
                const GradientOwn& own, Worker& worker) {
  const int64_t parts = pieces_of(chunk.count, kPackedTiles), panels = g.panels * parts;
  for (int64_t i = worker.claim(); i < panels + g.conv.in_channels; i = worker.claim()) {
    if (i < panels) {
      load_panel(isa, g, chunk, dy, i / parts, i % parts * kPackedTiles, own);
    } else {
      load_channel(isa, g, chunk, x, i - panels, own);
    }
  }
}

void multiply_chunk(const Gradient& g, int64_t tiles, int64_t panel, int64_t block, float* sums) {
  const int64_t columns = g.taps.columns, first = block * g.block_rows;
  const int64_t used = std::min(columns, g.conv.out_channels - panel * columns);
  const int64_t rows = std::min(g.block_rows, g.conv.in_channels - first);
  for (int64_t xi = 0; xi < g.area(); ++xi) {
    const float* x = g.x + xi * g.conv.in_channels * g.stride;
    const float* dy = g.dy + (xi * g.panels + panel) * g.chunk * columns;
    for (int64_t row = 0; row < rows; row += g.taps.rows) {
      g.taps.correlate(tiles, g.offsets + first + row, x, dy,
                       std::min<int64_t>(g.taps.rows, rows - row), used,
                       sums + (xi * g.block_rows + row) * columns);
    }
  }
}

/// The taps of a task's channels, from its complete sums.
void store_block(Isa isa, const Gradient& g, int64_t panel, int64_t block, const float* sums,
                 float* taps, float* d_weight) {
  const int64_t columns = g.taps.columns, plane = g.block_rows * columns;
  const int64_t channels = g.conv.in_channels, first = block * g.block_rows;
  const int64_t rows = std::min(g.block_rows, channels - first);
  winograd_kernels(isa, g.m).taps(rows * columns, sums, plane, plane, taps);
  const int64_t end = std::min((panel + 1) * columns, g.conv.out_channels);
  for (int64_t out = panel * columns; out < end; ++out) {
    float* to = d_weight + (out * channels + first) * 9;
    const float* from = taps + out - panel * columns;
    for (int64_t row = 0; row < rows; ++row, from += columns) {
      for (int64_t t = 0; t < 9; ++t) *to++ = from[t * plane];
    }
  }
}

}  // namespace

size_t winograd_gradient_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads) {
  const Gradient g(nullptr, isa, conv, m, threads);
  Conv2d fewer = conv;  // in one chunk, which may be the longer one
  fewer.batch = std::min(conv.batch, g.most / (g.x_tiles.down * g.x_tiles.across));
  return static_cast<size_t>(std::max(g.bytes, Gradient(nullptr, isa, fewer, m, threads).bytes));
}

void winograd_backward_weight(Isa isa, const Conv2d& conv, int m, const float* x, const float* dy,
                              float* d_weight, void* workspace, Worker& worker) {
  const Gradient g(workspace, isa, conv, m, worker.count());
  const GradientOwn own(g, worker);
  for (int64_t i = worker.index(); i < g.block_rows * g.blocks; i += worker.count()) {
    g.offsets[i] = static_cast<int32_t>(i < conv.in_channels ? i * g.stride : 0);
  }
  for (int64_t chunk = 0; chunk < g.chunks; ++chunk) {
    const int64_t first = chunk * g.chunk;
    const ChunkTiles tiles{first, std::min(g.chunk, g.all - first)};
    load_chunk(isa, g, tiles, x, dy, own, worker);
    worker.sync();
    for (int64_t i = worker.claim(); i < g.panels * g.blocks; i = worker.claim()) {
      float* sums = g.chunks > 1 ? g.sums + i * g.block_sums : own.sums;
      if (chunk == 0) std::fill_n(sums, g.block_sums, 0.0f);
      multiply_chunk(g, tiles.count, i / g.blocks, i % g.blocks, sums);
      if (chunk + 1 < g.chunks) continue;
      store_block(isa, g, i / g.blocks, i % g.blocks, sums, own.taps, d_weight);
    }
    if (chunk + 1 < g.chunks) worker.sync();
  }
}

}  // namespace verge::kernels
