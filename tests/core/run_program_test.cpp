#include <gtest/gtest.h>

#include <verge/core/run_program.hpp>

namespace verge {
namespace {

TEST(RunProgram, GivesWhatItPrintedAndHowItEnded) {
  const auto result = run_program({"sh", "-c", "echo out; echo err >&2; cat; exit 3"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, 3);
  EXPECT_EQ(result->output, "out\nerr\n");
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"})->status, 128 + 9);
}

TEST(RunProgram, KeepsTheBeginningOfMuch) {
  const auto result = run_program({"sh", "-c", "yes verge | head -c 1000000"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, 0);
  EXPECT_EQ(result->output.size(), size_t{64} << 10);
}

TEST(RunProgram, SaysWhenThereIsNone) {
#if defined(VERGE_EMULATED)
  GTEST_SKIP() << "QEMU forks where Linux would share memory: a program that is none ends with 127";
#endif
  const auto result = run_program({"no-such-program"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::NotFound);
  EXPECT_EQ(result.error().message, "no-such-program: there is no such program in PATH");
}

}  // namespace
}  // namespace verge
