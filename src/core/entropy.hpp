#pragma once
// What cannot be foretold, for seeds that are secrets. All that is to be repeated takes a seed that
// it is given instead (rng.hpp).

#include <cstdint>

namespace verge {

/// 64 bits of the operating system's randomness.
uint64_t secret_seed();

}  // namespace verge
