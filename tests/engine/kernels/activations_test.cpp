#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/activations.hpp>
#include <verge/engine/kernels/product_tile.hpp>

#include "random_data.hpp"

namespace verge::kernels {
namespace {

std::vector<std::byte> prepared_bytes(ActivationKind kind, const std::vector<float>& x,
                                      int64_t tokens, Isa isa) {
  ThreadPool pool(2);
  const int64_t cols = static_cast<int64_t>(x.size()) / tokens;
  const int64_t bytes = activation_bytes(kind, tokens, cols);
  AlignedBuffer memory = allocate_aligned(bytes);
  std::memset(memory.get(), 0, bytes);
  const Activations out{kind, tokens, cols, memory.get()};
  pool.run([&](Worker& worker) { prepare_activations(x.data(), cols, out, worker, isa); });
  return {memory.get(), memory.get() + bytes};
}

TEST(Activations, EveryIsaRoundsAlike) {
  for (ActivationKind kind :
       {ActivationKind::Int8, ActivationKind::Float32, ActivationKind::BFloat16}) {
    const std::vector<float> x = random_floats(3 * 160, 1, 5.0f);
    const auto expected = prepared_bytes(kind, x, 3, Isa::Generic);
    for (Isa isa : machine_isas())
      EXPECT_EQ(prepared_bytes(kind, x, 3, isa), expected) << name(isa);
  }
}

TEST(Activations, BytesAreTheNearestAndTheirSumsExact) {
  const std::vector<float> x = random_floats(64, 2);
  for (Isa isa : machine_isas()) {
    const auto bytes = prepared_bytes(ActivationKind::Int8, x, 1, isa);
    for (int b = 0; b < 2; ++b) {
      ActivationBlock block;
      std::memcpy(&block, bytes.data() + b * sizeof(block), sizeof(block));
      int sums[2] = {};
      for (int i = 0; i < 32; ++i) {
        EXPECT_LE(std::fabs(block.d * block.q[i] - x[32 * b + i]), 0.5001f * block.d);
        sums[i / 16] += block.q[i];
      }
      EXPECT_EQ(block.sum, static_cast<float>(sums[0] + sums[1]));
      EXPECT_EQ(block.correction, -128 * (sums[0] + sums[1]));
      EXPECT_EQ(block.correction_low, -128 * sums[0]);
    }
  }
}

TEST(Activations, ABlockThatIsNotFiniteBecomesNan) {
  for (float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> x(64, 1.0f);
    x[40] = bad;
    for (Isa isa : machine_isas()) {
      const auto bytes = prepared_bytes(ActivationKind::Int8, x, 1, isa);
      ActivationBlock blocks[2];
      std::memcpy(blocks, bytes.data(), sizeof(blocks));
      EXPECT_FALSE(std::isnan(blocks[0].d)) << name(isa);
      EXPECT_TRUE(std::isnan(blocks[1].d)) << name(isa);
    }
  }
}

}  // namespace
}  // namespace verge::kernels
