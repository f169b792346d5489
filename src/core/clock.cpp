#include <chrono>

#include <verge/core/clock.hpp>

namespace verge {

double SystemClock::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace verge
