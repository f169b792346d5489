#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/tile.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

TEST(Tile, PackingPutsLinesSideBySideAndPadsWithZeros) {
  const auto in = random_floats(40 * 50, 1);
  for (Isa isa : machine_isas()) {
    const TileKernels& tile = tile_f32(isa);
    for (int width : {tile.rows, tile.columns}) {
      for (bool transposed : {false, true}) {
        const int64_t lines = 37, k = 11;
        std::vector<float> out(tile.packed_bytes(lines, k, width) / 4, NAN);
        tile.pack(in.data(), transposed ? 1 : 50, transposed ? 40 : 1, lines, k, width, out.data());
        for (int64_t i = 0; i < static_cast<int64_t>(out.size()); ++i) {
          const int64_t line = i / (width * k) * width + i % width;
          const int64_t p = i / width % k;
          const float want = line >= lines ? 0 : transposed ? in[line + p * 40] : in[line * 50 + p];
          ASSERT_EQ(out[i], want) << name(isa) << " line " << line << " k " << p;
        }
      }
    }
  }
}

TEST(Tile, MultiplyTouchesOnlyItsPartOfC) {
  const int64_t rows = 7, columns = 19, k = 6, stride = 24;
  const auto a = random_floats(rows * k, 1);
  const auto b = random_floats(columns * k, 2);
  for (Isa isa : machine_isas()) {
    const TileKernels& tile = tile_f32(isa);
    std::vector<float> packed_a(tile.packed_bytes(rows, k, tile.rows) / 4);
    std::vector<float> packed_b(tile.packed_bytes(columns, k, tile.columns) / 4);
    tile.pack(a.data(), k, 1, rows, k, tile.rows, packed_a.data());
    tile.pack(b.data(), k, 1, columns, k, tile.columns, packed_b.data());
    std::vector<float> c(rows * stride, 1.0f);
    multiply_packed(tile, rows, columns, k, packed_a.data(), packed_b.data(), c.data(), stride, 2,
                    3);
    for (int64_t i = 0; i < rows * stride; ++i) {
      double want = 1;
      if (i % stride < columns) {
        want = 3;
        for (int64_t p = 0; p < k; ++p) want += 2.0 * a[i / stride * k + p] * b[i % stride * k + p];
      }
      ASSERT_NEAR(c[i], want, 1e-5) << name(isa);
    }
  }
}

}  // namespace
}  // namespace verge::kernels
