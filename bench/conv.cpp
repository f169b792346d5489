// bench_conv: convolution forward and backward in GFLOP/s on networks of MNIST's size and on one
// layer of a larger one. Medians of seven runs after a warm-up.
//   bench_conv [threads]

#include <cstdio>
#include <cstdlib>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/conv.hpp>

#include "timing.hpp"

using namespace verge;
using namespace verge::bench;
using namespace verge::kernels;

namespace {

void run(const char* label, const Conv2d& c, ThreadPool& pool) {
  const int64_t taps = c.in_channels / c.groups * c.kernel_height * c.kernel_width;
  const int64_t outputs = c.batch * c.out_channels * c.out_height() * c.out_width();
  auto x = random_floats(c.batch * c.in_channels * c.in_height * c.in_width);
  auto w = random_floats(c.out_channels * taps);
  auto y = random_floats(outputs);
  const AlignedBuffer workspace =
      allocate_aligned(conv2d_workspace_bytes(best_isa(), c, pool.size()));
  const auto seconds = [&](auto body) { return median_seconds([&] { pool.run(body); }); };
  const double giga = 2e-9 * static_cast<double>(outputs) * static_cast<double>(taps);
  const double forward = seconds([&](Worker& worker) {
    conv2d(best_isa(), c, x.data(), w.data(), nullptr, y.data(), workspace.get(), worker);
  });
  const double data = seconds([&](Worker& worker) {
    conv2d_backward_data(best_isa(), c, y.data(), w.data(), x.data(), workspace.get(), worker);
  });
  const double weight = seconds([&](Worker& worker) {
    conv2d_backward_weight(best_isa(), c, x.data(), y.data(), w.data(), nullptr, workspace.get(),
                           worker);
  });
  std::printf("%-28s forward %6.1f  data %6.1f  weight %6.1f GFLOP/s\n", label, giga / forward,
              giga / data, giga / weight);
}

}  // namespace

int main(int argc, char** argv) {
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 2);
  run("128 x 1 -> 32, 28^2, 3x3", {128, 1, 28, 28, 32, 3, 3, 1, 1, 1, 1, 1, 1}, pool);
  run("128 x 32 -> 64, 14^2, 3x3", {128, 32, 14, 14, 64, 3, 3, 1, 1, 1, 1, 1, 1}, pool);
  run("128 x 16 -> 32, 14^2, 5x5", {128, 16, 14, 14, 32, 5, 5, 1, 1, 2, 2, 2, 2}, pool);
  run("128 x 64 -> 64, 7^2, 3x3", {128, 64, 7, 7, 64, 3, 3, 1, 1, 1, 1, 1, 1}, pool);
  run("64 x 32 -> 64, 28^2, 3x3 /2", {64, 32, 28, 28, 64, 3, 3, 2, 2, 1, 1, 1, 1}, pool);
  run("8 x 128 -> 128, 28^2, 3x3", {8, 128, 28, 28, 128, 3, 3, 1, 1, 1, 1, 1, 1}, pool);
  run("8 x 256 -> 256, 14^2, 1x1", {8, 256, 14, 14, 256, 1, 1}, pool);
  run("32 x 64 depthwise, 28^2, 3x3", {32, 64, 28, 28, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 64}, pool);
}
