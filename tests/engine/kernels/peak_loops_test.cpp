#include <gtest/gtest.h>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/peak_loops.hpp>

namespace verge::kernels {
namespace {

TEST(PeakLoops, ReadTouchesEveryByteOnce) {
  constexpr int64_t kBytes = 512 * 6;
  const AlignedBuffer buffer = allocate_aligned(kBytes);
  auto* words = reinterpret_cast<uint64_t*>(buffer.get());
  for (const Isa isa : kAllIsas) {
    if (isa > best_isa()) continue;
    // Wide sums of x86 return one lane of the total: fill all lanes alike and count.
    std::fill(words, words + kBytes / 8, 3);
    const uint64_t sum = peak_loops(isa).read(buffer.get(), kBytes);
    const uint64_t lanes = isa >= Isa::Neon ? 1 : isa >= Isa::Avx512 ? 8 : isa == Isa::Avx2 ? 4 : 1;
    EXPECT_EQ(sum * lanes, 3u * kBytes / 8) << name(isa);
  }
}

TEST(PeakLoops, WiderIsasDoMoreInARound) {
  const PeakLoops& generic = peak_loops(Isa::Generic);
  EXPECT_EQ(generic.bf16, nullptr);
  EXPECT_NE(generic.f32, nullptr);
  if (best_isa() < Isa::Avx512 || best_isa() >= Isa::Neon) GTEST_SKIP() << "no AVX-512 here";
  const PeakLoops& wide = peak_loops(Isa::Avx512);
  EXPECT_EQ(wide.int8_operations, 4 * wide.f32_operations);
  EXPECT_EQ(wide.bf16, nullptr);
  const PeakLoops& bf16 = peak_loops(Isa::Avx512Bf16);
  EXPECT_NE(bf16.bf16, nullptr);
  EXPECT_EQ(bf16.bf16_operations, 2 * wide.f32_operations);
}

}  // namespace
}  // namespace verge::kernels
