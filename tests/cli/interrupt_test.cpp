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

void ignore(int) {}

TEST(Interrupt, FormerHandlersReturn) {
  const auto before = std::signal(SIGINT, ignore);
  {
    const FormerSignalHandlers former;
    catch_interrupts();
  }
  EXPECT_EQ(std::signal(SIGINT, before), &ignore);
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
