#pragma once
// Isa: which instructions the fast kernels may use. Every kernel takes an Isa, so that tests can
// run all that the machine has; a program asks best_isa() once and hands it down.

#include <cstdint>
#include <optional>
#include <string_view>

namespace verge::kernels {

/// In order: each contains the one before.
enum class Isa : uint8_t {
  Generic,  // what the compiler's baseline gives
  Avx2,     // AVX2, FMA, F16C, BMI2: x86-64-v3
  Avx512,   // F, BW, VL, DQ, VNNI and BF16: Zen 4, Cooper Lake, Sapphire Rapids and later
};

/// The most this processor and its operating system support.
Isa best_isa();

std::string_view name(Isa isa);
/// "generic", "avx2", "avx512"; nothing for any other word.
std::optional<Isa> isa_from_name(std::string_view name);

}  // namespace verge::kernels
