#pragma once
// Noise on hidden states, for devices that trade some of the server's truth for less of their text
// in what leaves them. Each value gets a normal number of its own, of standard deviation sigma
// times the root mean square of its state.
//
// The seed is the device's secret: who has it takes the noise away again. The same state gets the
// same noise each time it is sent, so that sending it twice averages nothing out. No promise of
// privacy follows from a sigma: what it costs was measured, what it hides was not.

#include <cstdint>
#include <span>

namespace verge::serve {

/// A plain value.
class StateNoise {
 public:
  /// sigma 0: none.
  StateNoise(double sigma, uint64_t seed) : sigma_(sigma), seed_(seed) {}
  /// With a seed of the operating system's randomness.
  static StateNoise secret(double sigma);

  /// rows [n, width].
  void add(std::span<float> rows, int64_t width) const;

 private:
  double sigma_;
  uint64_t seed_;
};

}  // namespace verge::serve
