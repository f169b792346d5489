#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/conv_winograd_gradient.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"
#include "workspace.hpp"

namespace verge::kernels {
namespace {

struct GradientImage {
  int64_t batch, in, height, width, out, pad;
};

/// The correlation of x with dy.
std::vector<double> correlation(const Conv2d& c, const std::vector<float>& x,
                                const std::vector<float>& dy) {
  const int64_t rows = c.out_height(), columns = c.out_width();
  std::vector<double> dw(c.out_channels * c.in_channels * 9);
  for (size_t i = 0; i < dw.size(); ++i) {
    const auto tap = static_cast<int64_t>(i % 9), pair = static_cast<int64_t>(i / 9);
    for (int64_t n = 0; n < c.batch; ++n) {
      const float* d = dy.data() + (n * c.out_channels + pair / c.in_channels) * rows * columns;
      const float* image =
          x.data() + (n * c.in_channels + pair % c.in_channels) * c.in_height * c.in_width;
      for (int64_t p = 0; p < rows * columns; ++p) {
        const int64_t r = p / columns + tap / 3 - c.pad_top, q = p % columns + tap % 3 - c.pad_left;
        if (r < 0 || r >= c.in_height || q < 0 || q >= c.in_width) continue;
        dw[i] += double{d[p]} * image[r * c.in_width + q];
      }
    }
  }
  return dw;
}

void expect_gradients(const GradientImage& image) {
  Conv2d c{.batch = image.batch,
           .in_channels = image.in,
           .in_height = image.height,
           .in_width = image.width};
  c.out_channels = image.out;
  c.kernel_height = c.kernel_width = 3;
  c.pad_top = c.pad_left = c.pad_bottom = c.pad_right = image.pad;
  const auto x = random_floats(c.batch * c.in_channels * c.in_height * c.in_width, 1);
  const auto dy = random_floats(c.batch * c.out_channels * c.out_height() * c.out_width(), 2);
  const std::vector<double> want = correlation(c, x, dy);
  const auto terms = static_cast<double>(c.batch * c.out_height() * c.out_width());
  for (Isa isa : machine_isas()) {
    for (int m : {2, 4}) {
      std::vector<float> dw(want.size(), NAN);
      Workspace workspace(winograd_gradient_workspace_bytes(isa, c, m, 2));
      on_two_workers([&](Worker& worker) {
        winograd_backward_weight(isa, c, m, x.data(), dy.data(), dw.data(), workspace.get(),
                                 worker);
      });
      const double tolerance = (m == 2 ? 1e-5 : 1e-4) * std::sqrt(terms);
      expect_close(dw, want, tolerance, std::string(name(isa)));
    }
  }
}

TEST(ConvWinogradGradient, AgreesWithItsDefinition) {
  const GradientImage images[] = {{1, 1, 1, 1, 1, 1},
                                  {1, 3, 5, 7, 5, 1},
                                  {2, 4, 8, 8, 13, 1},
                                  {1, 2, 3, 70, 4, 0},
                                  {3, 5, 7, 7, 40, 1},
                                  {1, 2, 66, 3, 2, 1},
                                  {2, 17, 14, 15, 9, 2},
                                  {0, 2, 4, 4, 3, 1},
                                  // several chunks, with a short one at the end:
                                  {6, 17, 61, 59, 18, 1}};
  for (const GradientImage& image : images) expect_gradients(image);
}

}  // namespace
}  // namespace verge::kernels
