#pragma once
// Isa: which instructions the fast kernels may use. Every kernel takes an Isa, so that tests can
// run all that the machine has; a program asks best_isa() once and hands it down.

#include <cstdint>
#include <optional>
#include <string_view>

namespace verge::kernels {

/// In order: each contains the one before, on processors of its own kind.
enum class Isa : uint8_t {
  Generic,     // what the compiler's baseline gives
  Avx2,        // AVX2, FMA, F16C, BMI2: x86-64-v3
  Avx512,      // F, BW, VL, DQ and VNNI: Cascade Lake, Ice Lake and later
  Avx512Bf16,  // BF16 too: Zen 4, Cooper Lake, Sapphire Rapids and later
  Neon,        // Advanced SIMD: every 64-bit Arm
  NeonDot,     // sums of four products of bytes: Cortex-A55, A76, Apple A11, Graviton 2 and later
};

/// Those of this kind of processor.
#if defined(__aarch64__)
inline constexpr Isa kAllIsas[] = {Isa::Generic, Isa::Neon, Isa::NeonDot};
#else
inline constexpr Isa kAllIsas[] = {Isa::Generic, Isa::Avx2, Isa::Avx512, Isa::Avx512Bf16};
#endif

/// The most this processor and its operating system support.
Isa best_isa();

std::string_view name(Isa isa);
/// One of kAllIsas by its name: "generic", "avx2", "avx512", "avx512-bf16", or "neon", "neon-dot";
/// nothing for any other word.
std::optional<Isa> isa_from_name(std::string_view name);

}  // namespace verge::kernels
