#include <csignal>

#include <gtest/gtest.h>

#include <verge/cli/interrupt.hpp>

namespace verge::cli {
namespace {

TEST(Interrupt, TheFirstSignalSetsTheFlag) {
  for (const int signal : {SIGINT, SIGTERM}) {
    std::atomic<bool>& flag = catch_interrupts();
    flag = false;
    std::raise(signal);
    EXPECT_TRUE(flag);
    flag = false;
  }
}

TEST(InterruptDeathTest, TheSecondEndsTheProcess) {
  const auto twice = [] {
    catch_interrupts() = false;
    std::raise(SIGTERM);
    std::raise(SIGTERM);
  };
  EXPECT_EXIT(twice(), testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace verge::cli
