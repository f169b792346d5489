#pragma once
// Rng: counter-based random numbers (Philox 4x32-10, Salmon et al. 2011). The n-th draw of a
// (seed, stream) pair is a pure function, so results do not depend on threads or order of use.

#include <cstdint>

namespace verge {

class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// The next 32 uniform bits.
  uint32_t next();
  /// Uniform in [0, 1).
  float uniform() { return static_cast<float>(next() >> 8) * 0x1p-24f; }
  /// Uniform in [0, bound); bound > 0. Unbiased.
  uint32_t below(uint32_t bound);
  /// Standard normal (Box-Muller).
  float normal();

  /// How many draws were made; set it to continue from a checkpoint.
  uint64_t position() const { return position_; }
  void seek(uint64_t position) { position_ = position; }

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t position_ = 0;
  uint64_t cached_block_ = ~uint64_t{0};
  uint32_t block_[4] = {};
};

}  // namespace verge
