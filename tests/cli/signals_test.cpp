#include <child_process.hpp>
#include <gtest/gtest.h>

#include <verge/cli/signals.hpp>

namespace verge::cli {
namespace {

TEST(Signals, AreWaitedForInsteadOfEndingTheProcess) {
  EXPECT_EQ(test::in_child([] {
              const Signals signals;
              ::raise(SIGTERM);
              ::raise(SIGHUP);
              const auto first = signals.wait(5), second = signals.wait(5);
              const bool both = first && second && *first + *second == SIGTERM + SIGHUP;
              return both && !signals.wait(0) ? 0 : 1;
            }),
            0);
}

TEST(Signals, TheFormerStateReturns) {
  EXPECT_EQ(test::in_child([] {
              ::signal(SIGTERM, SIG_DFL);  // other tests have had it caught
              { const Signals signals; }
              ::raise(SIGTERM);
              return 0;
            }),
            128 + SIGTERM);
}

}  // namespace
}  // namespace verge::cli
