#pragma once
// How a forward convolution is cut into tasks that workers claim. Internal to this module.

#include <algorithm>
#include <cstdint>

namespace verge::kernels {

/// How many pieces of at most `most` there are; empty convolutions ask for none of none.
inline int64_t pieces_of(int64_t total, int64_t most) {
  return most < 1 ? 0 : (total + most - 1) / most;
}

/// `bands`, each the work of whole pixels, times blocks of output channels, in whole panels of
/// weights: more of them the fewer bands there are. Tasks of a band lie together.
struct ConvTasks {
  static constexpr int64_t kLeast = 4;  // a worker, so that none waits long for the last

  int64_t bands, blocks, block_lines, lines;

  ConvTasks(int64_t band_count, int64_t line_count, int64_t panel, int threads)
      : bands(band_count), lines(line_count) {
    const int64_t panels = pieces_of(lines, panel);
    const int64_t wanted = pieces_of(kLeast * threads, bands);
    blocks = threads == 1 ? 1 : std::clamp<int64_t>(wanted, 1, std::max<int64_t>(panels, 1));
    block_lines = pieces_of(panels, blocks) * panel;
    blocks = pieces_of(lines, block_lines);
  }
  int64_t count() const { return bands * blocks; }
  int64_t band(int64_t task) const { return task / blocks; }
  int64_t line(int64_t task) const { return task % blocks * block_lines; }
  int64_t lines_of(int64_t task) const { return std::min(block_lines, lines - line(task)); }
};

}  // namespace verge::kernels
