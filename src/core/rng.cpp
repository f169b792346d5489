#include <cmath>
#include <numbers>

#include <verge/core/rng.hpp>

namespace verge {
namespace {

void philox_round(uint32_t (&counter)[4], const uint32_t (&key)[2]) {
  const uint64_t a = uint64_t{0xD2511F53} * counter[0];
  const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
  const uint32_t mixed[4] = {
      static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
      static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
  for (int i = 0; i < 4; ++i) counter[i] = mixed[i];
}

void philox_block(uint64_t seed, uint64_t stream, uint64_t block, uint32_t (&out)[4]) {
  uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  out[0] = static_cast<uint32_t>(block);
  out[1] = static_cast<uint32_t>(block >> 32);
  out[2] = static_cast<uint32_t>(stream);
  out[3] = static_cast<uint32_t>(stream >> 32);
  for (int round = 0; round < 10; ++round) {
    philox_round(out, key);
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
}

}  // namespace

uint32_t Rng::next() {
  const uint64_t block = position_ / 4;
  if (block != cached_block_) {
    philox_block(seed_, stream_, block, block_);
    cached_block_ = block;
  }
  return block_[position_++ % 4];
}

uint32_t Rng::below(uint32_t bound) {
  const uint32_t threshold = -bound % bound;  // rejects the values that would bias the remainder
  for (;;) {
    const uint64_t product = uint64_t{next()} * bound;
    if (static_cast<uint32_t>(product) >= threshold) return static_cast<uint32_t>(product >> 32);
  }
}

float Rng::normal() {
  const float radius = std::sqrt(-2.0f * std::log(1.0f - uniform()));
  return radius * std::cos(2.0f * std::numbers::pi_v<float> * uniform());
}

}  // namespace verge
