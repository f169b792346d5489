#include <cstring>

#include <verge/engine/kernels/peak_loops.hpp>

namespace verge::kernels::generic {
namespace {

constexpr int kSums = 32;  // eight vectors of four: enough to hide the latency of an addition

float f32(int64_t rounds, const void* operands) {
  float x[kSums], sums[kSums] = {};
  std::memcpy(x, operands, sizeof(x));
  for (int64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kSums; ++i) sums[i] += x[i] * sums[i];
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

uint64_t read(const std::byte* data, int64_t bytes) {
  uint64_t sums[8] = {};
  const auto* words = reinterpret_cast<const uint64_t*>(data);
  for (int64_t i = 0; i < bytes / 8; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] += words[i + j];
  }
  uint64_t total = 0;
  for (const uint64_t sum : sums) total += sum;
  return total;
}

}  // namespace

const PeakLoops kPeakLoops = {.f32 = f32, .f32_operations = 2 * kSums, .read = read};

}  // namespace verge::kernels::generic
