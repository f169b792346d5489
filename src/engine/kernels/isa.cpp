#include <initializer_list>

#include <verge/engine/kernels/isa.hpp>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace verge::kernels {
namespace {

#if defined(__x86_64__)
// Register bits: Intel SDM volume 2, CPUID; volume 1, 13.3 (XCR0).
struct Cpuid {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  Cpuid(uint32_t leaf, uint32_t subleaf) {
    __get_cpuid_count(leaf, subleaf, &eax, &ebx, &ecx, &edx);
  }
};

bool has_all(uint32_t word, std::initializer_list<int> bits) {
  for (int bit : bits) {
    if ((word >> bit & 1) == 0) return false;
  }
  return true;
}

// Which register files the operating system saves on a context switch.
uint32_t saved_state() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

Isa detect() {
  const Cpuid leaf1(1, 0), leaf7(7, 0), leaf7_1(7, 1);
  constexpr int kFma = 12, kOsxsave = 27, kAvx = 28, kF16c = 29;
  if (!has_all(leaf1.ecx, {kFma, kOsxsave, kAvx, kF16c})) return Isa::Generic;
  const uint32_t state = saved_state();
  constexpr int kXmm = 1, kYmm = 2, kBmi2 = 8, kAvx2 = 5;
  if (!has_all(state, {kXmm, kYmm}) || !has_all(leaf7.ebx, {kAvx2, kBmi2})) return Isa::Generic;
  constexpr int kOpmask = 5, kZmmHigh = 6, kZmm16To31 = 7;
  constexpr int kF = 16, kDq = 17, kBw = 30, kVl = 31, kVnni = 11, kBf16 = 5;
  const bool avx512 = has_all(state, {kOpmask, kZmmHigh, kZmm16To31}) &&
                      has_all(leaf7.ebx, {kF, kDq, kBw, kVl}) && has_all(leaf7.ecx, {kVnni});
  if (!avx512) return Isa::Avx2;
  return has_all(leaf7_1.eax, {kBf16}) ? Isa::Avx512Bf16 : Isa::Avx512;
}
#elif defined(__aarch64__)
Isa detect() {
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 ? Isa::NeonDot : Isa::Neon;
}
#else
Isa detect() {
  return Isa::Generic;
}
#endif

}  // namespace

Isa best_isa() {
  static const Isa isa = detect();
  return isa;
}

std::string_view name(Isa isa) {
  switch (isa) {
    case Isa::Generic:
      return "generic";
    case Isa::Avx2:
      return "avx2";
    case Isa::Avx512:
      return "avx512";
    case Isa::Avx512Bf16:
      return "avx512-bf16";
    case Isa::Neon:
      return "neon";
    case Isa::NeonDot:
      return "neon-dot";
  }
  return "unknown";
}

std::optional<Isa> isa_from_name(std::string_view word) {
  for (Isa isa : kAllIsas) {
    if (name(isa) == word) return isa;
  }
  return std::nullopt;
}

}  // namespace verge::kernels
