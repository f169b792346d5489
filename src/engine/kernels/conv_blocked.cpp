#include <algorithm>

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/kernels/blocked_run.hpp>
#include <verge/engine/kernels/conv_blocked.hpp>
#include <verge/engine/kernels/conv_skipped_pixels.hpp>
#include <verge/engine/kernels/conv_tasks.hpp>
#include <verge/engine/kernels/scratch.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels {
namespace {

using graph::channel_blocks;
using graph::kChannelBlock;

constexpr int64_t kSourceFloats = 64 * 1024;  // of a band: 256 KB of an L2 cache
constexpr int64_t kWeightFloats = 64 * 1024;  // of a group that pass over a band at once
constexpr int64_t kTasks = 6;                 // a worker, so that none waits long for the last

/// Pixels as they are make one long row.
Conv2d flattened(Conv2d c) {
  if (!is_unpadded_pointwise(c) || c.stride_height != 1 || c.stride_width != 1) return c;
  c.in_width *= c.in_height;
  c.in_height = 1;
  return c;
}

BlockedSource source_of_image(const Conv2d& c, bool is_plain) {
  const int64_t lanes = is_plain ? 1 : kChannelBlock;
  BlockedSource source;
  source.blocks = (c.in_channels + lanes - 1) / lanes;
  source.lanes = lanes;
  source.last_lanes = c.in_channels - (source.blocks - 1) * lanes;
  source.block_stride = c.in_height * c.in_width * lanes;
  source.row_stride = c.in_width * lanes;
  source.pixel_stride = lanes;
  return source;
}

/// What all tasks of a call share.
struct Blocked {
  Conv2d conv;
  const BlockedKernels& kernels;
  BlockedSource source;
  int64_t height, width, vectors, groups;
  int64_t bands, band;  // of rows, or of the columns of a single one
  int64_t chunks;       // blocks of the source that are summed at once, of all pixels of a band

  Blocked(Isa isa, const BlockedConv& of, int threads)
      : conv(flattened(without_skipped(of).conv)),
        kernels(blocked_kernels(isa)),
        source(source_of_image(conv, of.is_plain)),
        height(conv.out_height()),
        width(conv.out_width()),
        vectors(channel_blocks(conv.out_channels) * kChannelBlock / kernels.lanes),
        groups(of.is_depthwise() ? vectors : pieces_of(vectors, most_vectors())) {
    const int64_t total = cuts_columns() ? width : height;
    const int64_t step = cuts_columns() ? conv.stride_width : conv.stride_height * conv.in_width;
    const int64_t channels = of.is_depthwise() ? kChannelBlock : conv.in_channels;
    const int64_t fitting =
        std::max<int64_t>(1, kSourceFloats / std::max<int64_t>(1, step * channels));
    const int64_t wanted = threads == 1 ? 1 : pieces_of(kTasks * threads, conv.batch * groups);
    bands = std::clamp<int64_t>(std::max(wanted, pieces_of(total, fitting)), 1,
                                std::max<int64_t>(1, total));
    band = pieces_of(total, bands);
    bands = pieces_of(total, band);
    const int64_t area = conv.kernel_height * conv.kernel_width;
    const int64_t block = area * source.lanes * kernels.vectors * kernels.lanes;
    chunks = std::clamp<int64_t>(kWeightFloats / std::max<int64_t>(1, block), 1, source.blocks);
  }
  // One less where a row is then one tile instead of two, so that weights are read for it once.
  int most_vectors() const {
    const auto tiles = [&](int count) { return pieces_of(width, kernels.pixels[count - 1]); };
    const int most = kernels.vectors;
    return most > 1 && tiles(most) == 2 && tiles(most - 1) == 1 ? most - 1 : most;
  }
  // Only where no tile has a border: which pixels share one depends on the number of threads, and
  // tiles at a border sum in another order.
  bool cuts_columns() const {
    return height == 1 && conv.kernel_width == 1 && conv.pad_left == 0 && conv.pad_right == 0;
  }
  int64_t kernel_floats() const {
    return source.blocks * source.lanes * conv.kernel_height * conv.kernel_width;
  }
  int64_t first_vector(int64_t group) const { return group * vectors / groups; }
  /// Not of a depthwise convolution: whether tasks of a group lie together, so that its weights are
  /// read once, instead of those of a band, so that its pixels are: what there is more of.
  bool goes_by_groups() const {
    return kernel_floats() * vectors * kernels.lanes >
           conv.batch * source.blocks * source.block_stride;
  }
  /// What one vector's weights take.
  int64_t vector_floats(bool is_depthwise) const {
    const int64_t area = conv.kernel_height * conv.kernel_width;
    return (is_depthwise ? area : kernel_floats()) * kernels.lanes;
  }
  /// Those of a group, not of a depthwise convolution.
  WeightsAhead weights_of(int64_t group, const float* packed) const {
    const int64_t count = first_vector(group + 1) - first_vector(group);
    return {packed + first_vector(group) * vector_floats(false), count * vector_floats(false)};
  }
  int64_t sums_floats() const {
    if (chunks >= source.blocks || conv.groups > 1) return 0;
    const int64_t pixels = cuts_columns() ? band : band * width;
    return pixels * kernels.vectors * kernels.lanes;
  }
};

/// The run of a group over what a row has of a band; of a depthwise convolution the group is a
/// vector.
BlockedRun run_of(const Blocked& b, bool is_depthwise, const float* x, const float* packed,
                  const float* bias, float* y, int64_t image, int64_t group) {
  const int64_t lanes = b.kernels.lanes, first = b.first_vector(group) * lanes;
  const int64_t out_plane = b.height * b.width * kChannelBlock;
  const int64_t out_image = channel_blocks(b.conv.out_channels) * out_plane;
  const int64_t at = image * out_image + first / kChannelBlock * out_plane;
  BlockedRun run;
  run.conv = &b.conv;
  run.source = b.source;
  run.source.data = x + image * b.source.blocks * b.source.block_stride;
  run.first_lane = first % kChannelBlock;
  if (is_depthwise)
    run.source.data += first / kChannelBlock * b.source.block_stride + run.first_lane;
  run.weights = packed + b.first_vector(group) * b.vector_floats(is_depthwise);
  run.vectors = static_cast<int>(b.first_vector(group + 1) - b.first_vector(group));
  run.bias = bias == nullptr ? nullptr : bias + first;
  run.bias_count = b.conv.out_channels - first;
  run.y = y + at;
  run.residual = b.conv.residual == nullptr ? nullptr : b.conv.residual + at;
  run.y_block_stride = out_plane;
  return run;
}

/// Sets the part of a row of the output.
void set_row(const Blocked& b, int64_t row, BlockedRun& run, float* y, const float* residual) {
  const Conv2d& c = b.conv;
  const int64_t top = row * c.stride_height - c.pad_top;
  run.output_row = row;
  run.first_row = top >= 0 ? 0 : pieces_of(-top, c.dilation_height);
  run.end_row = top >= c.in_height ? 0 : (c.in_height - 1 - top) / c.dilation_height + 1;
  run.end_row = std::min(run.end_row, c.kernel_height);
  run.first_row = std::min(run.first_row, run.end_row);
  const int64_t at = row * b.width * kChannelBlock;
  run.y = y + at;
  run.residual = residual == nullptr ? nullptr : residual + at;
}

/// A band of the output, all blocks of the source.
void run_band(const Blocked& b, bool is_depthwise, BlockedRun run, int64_t band, float* sums) {
  float* y = run.y;
  const float* residual = run.residual;
  const int64_t begin = band * b.band;
  const int64_t end = std::min(begin + b.band, b.cuts_columns() ? b.width : b.height);
  const int64_t first_row = b.cuts_columns() ? 0 : begin;
  const int64_t end_row = b.cuts_columns() ? 1 : end;
  run.first = b.cuts_columns() ? begin : 0;
  run.count = b.cuts_columns() ? end - begin : b.width;
  if (is_depthwise) {
    set_row(b, first_row, run, y, residual);
    run.rows = end_row - first_row;
    return b.kernels.filter(run);
  }
  const WeightsAhead ahead = run.ahead;
  const int64_t calls = pieces_of(b.source.blocks, b.chunks) * (end_row - first_row);
  int64_t call = 0;
  const int64_t row_sums = run.count * run.vectors * b.kernels.lanes;
  const int64_t blocks = b.source.blocks;
  for (int64_t block = 0; block < blocks; block += b.chunks) {
    run.first_block = block;
    run.end_block = std::min(block + b.chunks, blocks);
    run.starts = block == 0;
    run.ends = run.end_block == blocks;
    for (int64_t row = first_row; row < end_row; ++row) {
      if (sums != nullptr) run.sums = sums + (row - first_row) * row_sums;
      set_row(b, row, run, y, residual);
      run.ahead = ahead.part(call++, calls);
      b.kernels.multiply(run);
    }
  }
}

}  // namespace

int64_t conv2d_blocked_packed_floats(Isa isa, const BlockedConv& conv) {
  const Blocked b(isa, conv, 1);
  return b.vectors * b.vector_floats(conv.is_depthwise());
}

void pack_conv2d_blocked(Isa isa, const BlockedConv& conv, const float* weight, float* packed,
                         Worker& worker) {
  const Blocked b(isa, conv, 1);
  const Conv2d& c = b.conv;
  const int64_t lanes = b.kernels.lanes, area = c.kernel_height * c.kernel_width;
  const int64_t in_lanes = conv.is_depthwise() ? 1 : b.source.lanes;
  const int64_t channels = conv.is_depthwise() ? 1 : c.in_channels;
  const int64_t inputs = conv.is_depthwise() ? 1 : b.source.blocks * b.source.lanes;
  const auto [begin, end] = worker.split(b.groups);
  for (int64_t group = begin; group < end; ++group) {
    const int64_t first = b.first_vector(group) * lanes;
    const int64_t width = b.first_vector(group + 1) * lanes - first;
    float* to = packed + b.first_vector(group) * b.vector_floats(conv.is_depthwise());
    for (int64_t i = 0; i < inputs * area; ++i) {  // [block][tap][lane]
      const int64_t in = i / (area * in_lanes) * in_lanes + i % in_lanes;
      const int64_t tap = i / in_lanes % area;
      for (int64_t j = 0; j < width; ++j, ++to) {
        const bool is_there = in < channels && first + j < c.out_channels;
        *to = is_there ? weight[((first + j) * channels + in) * area + tap] : 0.0f;
      }
    }
  }
}

size_t conv2d_blocked_workspace_bytes(Isa isa, const BlockedConv& conv, int threads) {
  const Blocked b(isa, conv, threads);
  Scratch scratch(nullptr);
  if (skips_pixels(conv)) scratch.take<float>(read_floats(conv));
  for (int i = 0; i < threads; ++i) scratch.take<float>(b.sums_floats());
  return static_cast<size_t>(scratch.used());
}

void conv2d_blocked(Isa isa, const BlockedConv& conv, const float* x, const float* packed,
                    const float* bias, float* y, void* workspace, Worker& worker) {
  const Blocked b(isa, conv, worker.count());
  Scratch scratch(workspace);
  if (skips_pixels(conv)) {
    auto* read = scratch.take<float>(read_floats(conv));
    take_read(conv.conv, x, read, worker);
    worker.sync();
    x = read;
  }
  float* sums = nullptr;
  for (int i = 0; i <= worker.index(); ++i) sums = scratch.take<float>(b.sums_floats());
  const int64_t bands = b.conv.batch * b.bands;
  const bool by_groups = !conv.is_depthwise() && b.goes_by_groups();
  for (int64_t i = worker.claim(); i < bands * b.groups; i = worker.claim()) {
    const int64_t group = by_groups ? i / bands : i % b.groups;
    const int64_t band = by_groups ? i % bands : i / b.groups;
    BlockedRun run = run_of(b, conv.is_depthwise(), x, packed, bias, y, band / b.bands, group);
    const int64_t next = (i + worker.count()) / bands;  // where workers take turns
    if (by_groups && next > group && next < b.groups) run.ahead = b.weights_of(next, packed);
    run_band(b, conv.is_depthwise(), run, band % b.bands, sums);
  }
}

const BlockedKernels& blocked_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return avx512::kBlocked;
  if (isa == Isa::Avx2) return avx2::kBlocked;
#elif defined(__aarch64__)
  if (isa >= Isa::Neon) return neon::kBlocked;
#endif
  (void)isa;
  return generic::kBlocked;
}

}  // namespace verge::kernels
