#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {
namespace {

TEST(Isa, NamesRoundTrip) {
  for (Isa isa : kAllIsas) EXPECT_EQ(isa_from_name(name(isa)), isa);
  EXPECT_FALSE(isa_from_name("avx9").has_value());
}

TEST(Isa, AgreesWithTheKernelsView) {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string flags;
  for (std::string line; flags.empty() && std::getline(cpuinfo, line);) {
    if (line.starts_with("flags")) flags = line + " ";
  }
#if !defined(__x86_64__)  // an emulator shows the flags of the machine below it
  flags.clear();
#endif
  if (flags.empty()) GTEST_SKIP() << "no x86 flags in /proc/cpuinfo";
  const auto has = [&](const char* flag) { return flags.find(flag) != std::string::npos; };
  const bool avx2 = has(" avx2 ") && has(" fma ") && has(" f16c ") && has(" bmi2 ");
  const bool avx512 =
      avx2 && has(" avx512bw ") && has(" avx512vl ") && has(" avx512dq ") && has(" avx512_vnni ");
  const Isa widest = has(" avx512_bf16 ") ? Isa::Avx512Bf16 : Isa::Avx512;
  EXPECT_EQ(best_isa(), avx512 ? widest : avx2 ? Isa::Avx2 : Isa::Generic);
}

TEST(Isa, EveryArmHasVectors) {
#if defined(__aarch64__)
  EXPECT_GE(best_isa(), Isa::Neon);
#else
  EXPECT_FALSE(isa_from_name("neon").has_value());
#endif
}

}  // namespace
}  // namespace verge::kernels
