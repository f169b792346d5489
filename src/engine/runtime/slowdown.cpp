#include <algorithm>
#include <chrono>
#include <thread>

#include <verge/core/clock.hpp>
#include <verge/engine/runtime/slowdown.hpp>

namespace verge::runtime {
namespace {

constexpr double kMostLateS = 0.1;  // that is made up for

double sleep_for(double seconds) {
  const SystemClock clock;
  const double begin_s = clock.seconds();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return clock.seconds() - begin_s;
}

}  // namespace

void Slowdown::after(double busy_s, double run_s) {
  if (factor <= 1) return;
  owed_s = std::max(owed_s + factor * busy_s - run_s, -kMostLateS);
  if (owed_s > 0) owed_s -= wait ? wait(owed_s) : sleep_for(owed_s);
}

}  // namespace verge::runtime
