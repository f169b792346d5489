#include <random>

#include <verge/core/entropy.hpp>

namespace verge {

uint64_t secret_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace verge
