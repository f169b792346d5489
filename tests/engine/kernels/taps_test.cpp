#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/taps.hpp>

#include "random_data.hpp"

namespace verge::kernels {
namespace {

TEST(Taps, PlanesHoldTheImageSplitByStride) {
  Lattice l;
  l.channels = 2;
  l.height = 7;
  l.width = 9;
  l.step_height = 2;
  l.step_width = 3;
  l.phases_height = 2;
  l.phases_width = 3;
  l.origin_height = 1;
  l.origin_width = 2;
  l.halo_height = 1;
  l.halo_width = 1;
  l.out_height = 4;
  l.out_width = 3;
  choose_band(l);
  EXPECT_EQ(l.band, 4);
  const auto image = random_floats(2 * 7 * 9, 1);
  for (Isa isa : machine_isas()) {
    std::vector<float> planes(l.buffer_size(), NAN);
    tap_kernels(isa).load_planes(l, image.data(), 0, 4, planes.data());
    for (int64_t channel = 0; channel < 2; ++channel) {
      for (int64_t reach = 0; reach < 3 * 4; ++reach) {  // taps within the halo
        const int64_t dy = reach / 4, dx = reach % 4;
        for (int64_t r = 0; r < 4; ++r) {
          for (int64_t c = 0; c < 3; ++c) {
            const int64_t y = r * 2 + dy - 1, x = c * 3 + dx - 2;
            const bool inside = y >= 0 && y < 7 && x >= 0 && x < 9;
            const float want = inside ? image[(channel * 7 + y) * 9 + x] : 0;
            ASSERT_EQ(planes[l.offset(channel, dy, dx) + r * l.pitch() + c], want);
          }
        }
      }
    }
  }
}

TEST(Taps, KernelsAgreeWithTheirDefinition) {
  const auto planes = random_floats(300, 1);
  const int32_t offsets[] = {0, 5, 17, 40, 41, 60, 61, 62, 63, 64, 65, 100};
  for (Isa isa : machine_isas()) {
    const TapKernels& kernels = tap_kernels(isa);
    const auto weights = random_floats(12 * kernels.rows, 2);
    std::vector<float> tile(kernels.rows * kernels.columns);
    kernels.multiply(12, offsets, weights.data(), planes.data(), kernels.rows, tile.data());
    std::vector<float> line(64 + 64);
    kernels.filter(12, offsets, weights.data(), 0.5f, planes.data(), 50, line.data());
    std::vector<float> sums(kernels.rows * kernels.columns, 1.0f);
    const auto d_out = random_floats(30 * kernels.columns, 3);
    kernels.correlate(30, offsets, planes.data(), d_out.data(), kernels.rows, kernels.columns,
                      sums.data());
    for (int64_t i = 0; i < kernels.rows * kernels.columns; ++i) {
      const int64_t row = i / kernels.columns, column = i % kernels.columns;
      double product = 0, correlation = 1;
      for (int64_t t = 0; t < 12; ++t) {
        product += double{weights[t * kernels.rows + row]} * planes[offsets[t] + column];
      }
      for (int64_t p = 0; p < 30; ++p) {
        correlation += double{planes[offsets[row] + p]} * d_out[p * kernels.columns + column];
      }
      ASSERT_NEAR(tile[i], product, 1e-5) << name(isa);
      ASSERT_NEAR(sums[i], correlation, 3e-5) << name(isa);
    }
    for (int64_t p = 0; p < 50; ++p) {
      double want = 0.5;
      for (int64_t t = 0; t < 12; ++t) want += double{weights[t]} * planes[offsets[t] + p];
      ASSERT_NEAR(line[p], want, 1e-5) << name(isa);
    }
  }
}

}  // namespace
}  // namespace verge::kernels
