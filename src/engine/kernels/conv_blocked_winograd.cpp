#include <algorithm>

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/kernels/blocked_tiles.hpp>
#include <verge/engine/kernels/conv_blocked_winograd.hpp>
#include <verge/engine/kernels/conv_tasks.hpp>
#include <verge/engine/kernels/conv_winograd.hpp>
#include <verge/engine/kernels/scratch.hpp>
#include <verge/engine/kernels/tables.hpp>
#include <verge/engine/kernels/winograd_tiles.hpp>

namespace verge::kernels {
namespace {

using graph::channel_blocks;
using graph::kChannelBlock;

constexpr int64_t kTileFloats = 200 * 1024;  // of transformed tiles and sums: 800 KB of an L2 cache
constexpr int64_t kFewestTiles = 6;
constexpr int64_t kMostTiles = 96;
constexpr int64_t kEnoughTiles = 12;  // for weights that are read again for each block

/// What all tasks of a call share.
struct BlockedWinograd {
  const Conv2d& conv;
  const BlockedKernels& kernels;
  int m;
  int64_t inputs, vectors, groups;  // lanes that are read; vectors and groups that are written
  WinogradTiles tiles;
  int64_t all, most;  // tiles of all images, and of a block for any smaller batch, too

  BlockedWinograd(Isa isa, const Conv2d& c, int size, int threads = 1)
      : conv(c), kernels(blocked_kernels(isa)), m(size) {
    inputs = channel_blocks(c.in_channels) * kChannelBlock;
    vectors = channel_blocks(c.out_channels) * kChannelBlock / kernels.lanes;
    groups = pieces_of(vectors, kernels.vectors);
    const int64_t height = c.out_height(), width = c.out_width();
    tiles = {c.in_height,          c.in_width,          c.pad_top, c.pad_left, height, width,
             pieces_of(height, m), pieces_of(width, m), 0,         0,          0};
    all = c.batch * tiles.down * tiles.across;
    const int64_t fitting = kTileFloats / (area() * (inputs + kernels.vectors * kernels.lanes));
    most = std::clamp(fitting, kFewestTiles, kMostTiles);
    int64_t blocks = pieces_of(all, most);
    // Where workers have blocks of their own, none transforms what another one has.
    const int64_t fair = pieces_of(blocks, shares(threads)) * shares(threads);
    if (all >= fair * kEnoughTiles) blocks = fair;
    tiles.columns = pieces_of(all, std::max<int64_t>(blocks, 1));
  }
  static int64_t shares(int threads) { return threads == 1 ? 1 : 2 * threads; }
  int64_t area() const { return int64_t{m + 2} * (m + 2); }
  int64_t first_vector(int64_t group) const { return group * vectors / groups; }
  int64_t vector_floats() const { return inputs * kernels.lanes; }  // of weights, for one place
  WinogradTiles block(int64_t index) const {
    WinogradTiles some = tiles;
    some.first = index * tiles.columns;
    some.count = std::min(tiles.columns, all - some.first);
    return some;
  }
};

/// A worker's memory.
struct BlockedOwn {
  float *tiles, *sums;

  BlockedOwn(const BlockedWinograd& w, Scratch& memory)
      : tiles(memory.take<float>(w.area() * w.inputs * w.most)),
        sums(memory.take<float>(w.area() * w.kernels.vectors * w.kernels.lanes * w.most)) {}
};

void load_channels(Isa isa, const BlockedWinograd& w, const WinogradTiles& tiles, const float* x,
                   float* to) {
  const int64_t image = tiles.height * tiles.width * kChannelBlock;
  const int64_t blocks = w.inputs / kChannelBlock;
  for (int64_t b = 0; b < blocks; ++b) {
    blocked_winograd_kernels(isa, w.m).load(tiles, x + b * image, blocks * image,
                                            tiles.count * w.inputs,
                                            to + b * tiles.count * kChannelBlock);
  }
}

/// Sums of a group for each of the transformed places, and back.
void run_group(Isa isa, const BlockedWinograd& w, const WinogradTiles& tiles, const float* packed,
               const float* bias, float* y, int64_t group, bool is_last, const BlockedOwn& own) {
  const int64_t lanes = w.kernels.lanes, first = w.first_vector(group) * lanes;
  const auto vectors = static_cast<int>(w.first_vector(group + 1) - w.first_vector(group));
  const float* weights = packed + w.first_vector(group) * w.vector_floats() * w.area();
  const int64_t plane = tiles.out_height * tiles.out_width * kChannelBlock;
  const int64_t place = vectors * w.vector_floats();
  for (int64_t xi = 0; xi < w.area(); ++xi) {
    const bool has_next = xi + 1 < w.area() || !is_last;
    const float* of_place = weights + xi * place;
    blocked_winograd_kernels(isa, w.m).multiply(
        own.tiles + xi * tiles.count * w.inputs, of_place, tiles.count, w.conv.in_channels, vectors,
        own.sums + xi * tiles.count * vectors * lanes, {of_place + place, has_next ? place : 0});
  }
  const int64_t at = first / kChannelBlock * plane;
  blocked_winograd_kernels(isa, w.m).store(
      tiles, {.conv = &w.conv,
              .sums = own.sums,
              .vectors = vectors,
              .bias = bias == nullptr ? nullptr : bias + first,
              .bias_count = w.conv.out_channels - first,
              .y = y + at,
              .residual = w.conv.residual == nullptr ? nullptr : w.conv.residual + at,
              .first_lane = first % kChannelBlock,
              .block_stride = plane,
              .image_stride = channel_blocks(w.conv.out_channels) * plane});
}

}  // namespace

bool blocked_winograd_fits(const BlockedConv& conv) {
  return !conv.is_plain && winograd_fits(conv.conv);
}

int64_t blocked_winograd_packed_floats(Isa isa, const BlockedConv& conv, int m) {
  const BlockedWinograd w(isa, conv.conv, m);
  return w.area() * w.vectors * w.vector_floats();
}

// [group][xi][channel][vectors][lanes]
void pack_blocked_winograd(Isa isa, const BlockedConv& conv, int m, const float* weight,
                           float* packed, Worker& worker) {
  const BlockedWinograd w(isa, conv.conv, m);
  const int64_t lanes = w.kernels.lanes, channels = w.conv.in_channels;
  const auto [begin, end] = worker.split(w.groups);
  for (int64_t group = begin; group < end; ++group) {
    const int64_t first = w.first_vector(group) * lanes;
    const int64_t width = w.first_vector(group + 1) * lanes - first;
    float* to = packed + w.first_vector(group) * w.vector_floats() * w.area();
    std::fill_n(to, w.area() * w.inputs * width, 0.0f);
    for (int64_t j = 0; j < std::min(width, w.conv.out_channels - first); ++j) {
      for (int64_t c = 0; c < channels; ++c) {
        winograd_kernels(isa, m).weights(1, weight + ((first + j) * channels + c) * 9, 1,
                                         w.inputs * width, to + c * width + j);
      }
    }
  }
}

size_t blocked_winograd_workspace_bytes(Isa isa, const BlockedConv& conv, int m, int threads) {
  const BlockedWinograd w(isa, conv.conv, m);
  Scratch memory(nullptr);
  for (int i = 0; i < threads; ++i) BlockedOwn(w, memory);
  return static_cast<size_t>(memory.used());
}

void conv2d_blocked_winograd(Isa isa, const BlockedConv& conv, int m, const float* x,
                             const float* packed, const float* bias, float* y, void* workspace,
                             Worker& worker) {
  const BlockedWinograd w(isa, conv.conv, m, worker.count());
  const auto bytes = static_cast<int64_t>(blocked_winograd_workspace_bytes(isa, conv, m, 1));
  Scratch memory(static_cast<std::byte*>(workspace) + worker.index() * bytes);
  const BlockedOwn own(w, memory);
  const int64_t blocks = pieces_of(w.all, w.tiles.columns);
  const bool is_shared = blocks < BlockedWinograd::shares(worker.count());
  const ConvTasks tasks(blocks, w.groups, 1, is_shared ? worker.count() : 1);
  int64_t loaded = -1;
  for (int64_t i = worker.claim(); i < tasks.count(); i = worker.claim()) {
    const WinogradTiles tiles = w.block(tasks.band(i));
    if (tasks.band(i) != loaded) load_channels(isa, w, tiles, x, own.tiles);
    loaded = tasks.band(i);
    const int64_t end = tasks.line(i) + tasks.lines_of(i);
    for (int64_t group = tasks.line(i); group < end; ++group) {
      run_group(isa, w, tiles, packed, bias, y, group, group + 1 == end, own);
    }
  }
}

const BlockedWinogradKernels& blocked_winograd_kernels(Isa isa, int m) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return m == 2 ? avx512::kBlockedWinogradOf2 : avx512::kBlockedWinogradOf4;
  if (isa == Isa::Avx2) return m == 2 ? avx2::kBlockedWinogradOf2 : avx2::kBlockedWinogradOf4;
#elif defined(__aarch64__)
  if (isa >= Isa::Neon) return m == 2 ? neon::kBlockedWinogradOf2 : neon::kBlockedWinogradOf4;
#endif
  (void)isa;
  return m == 2 ? generic::kBlockedWinogradOf2 : generic::kBlockedWinogradOf4;
}

}  // namespace verge::kernels
