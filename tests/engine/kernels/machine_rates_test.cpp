#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/kernels/machine_rates.hpp>

namespace verge::kernels {
namespace {

/// Every reading is a second later: a run takes one second whatever the machine does.
class TickingClock : public Clock {
 public:
  double seconds() const override { return static_cast<double>(++readings_); }

 private:
  mutable int readings_ = 0;
};

TEST(MachineRates, DividesTheWorkByTheTime) {
  ThreadPool pool(2);
  const MachineRates rates = measure_rates(pool, TickingClock(), Isa::Generic);
  EXPECT_DOUBLE_EQ(rates.read_gb_s, (256 << 20) * 1e-9);
  // 4096 rounds in a second: a hundredth of a second is 40 rounds of 64 operations, on two threads.
  EXPECT_DOUBLE_EQ(rates.f32_gflops, 40 * 64 * 2 * 1e-9);
  EXPECT_EQ(rates.bf16_gflops, 0.0);
  EXPECT_EQ(rates.int8_gops, 0.0);
}

TEST(MachineRates, AreThereForWhatTheProcessorHas) {
  ThreadPool pool(1);
  const MachineRates rates = measure_rates(pool, SystemClock());
  EXPECT_GT(rates.read_gb_s, 0.0);
  EXPECT_GT(rates.f32_gflops, 0.0);
  EXPECT_EQ(rates.bf16_gflops > 0.0, best_isa() == Isa::Avx512Bf16);
  const bool has_int8 = best_isa() >= Isa::Avx2 && best_isa() != Isa::Neon;
  EXPECT_EQ(rates.int8_gops > 0.0, has_int8);
}

}  // namespace
}  // namespace verge::kernels
