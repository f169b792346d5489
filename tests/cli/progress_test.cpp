#include <sstream>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <manual_clock.hpp>

#include <verge/cli/progress.hpp>

namespace verge::cli {
namespace {

// What err gets of 40 lines, half a second apart.
std::string shown(int terminal_columns, bool quiet) {
  std::ostringstream out, err;
  Context context{out, err, nullptr};
  context.terminal_columns = terminal_columns;
  context.quiet = quiet;
  test::ManualClock clock{0};
  Progress progress(context, clock);
  for (int i = 0; i < 40; ++i) {
    progress.show("line " + std::to_string(i));
    progress.show("too soon after");
    clock.advance(0.5);
  }
  progress.clear();
  return err.str();
}

TEST(Progress, ALineEachTenSecondsWithoutATerminal) {
  EXPECT_EQ(shown(0, false), "line 20\n");
}

TEST(Progress, OneLineDrawnAgainOnATerminal) {
  const std::string text = shown(80, false);
  EXPECT_NE(text.find("\r\x1b[Kline 0\r\x1b[Kline 1\r"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("line 39\r\x1b[K")) << text;
  EXPECT_EQ(text.find("too soon"), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_NE(shown(5, false).find("\x1b[Kline\r"), std::string::npos) << "cut to the width";
}

TEST(Progress, NothingWhenQuiet) {
  EXPECT_EQ(shown(80, true) + shown(0, true), "");
}

TEST(Progress, TheBarTellsShareRateAndRest) {
  EXPECT_EQ(progress_bar(250e6, 1e9, 2, 1e-6, "MB/s"),
            "[######                  ]  25%  125.0 MB/s  6 s left  ");
  EXPECT_EQ(progress_bar(0, 10, 0, 1, "x/s"), "[                        ]   0%  ");
  EXPECT_EQ(progress_bar(1, 100, 10, 1, "x/s").substr(26), "   1%  0.1 x/s  16 min left  ");
  EXPECT_EQ(progress_bar(0, 0, 1, 1, "x/s").substr(26), " 100%  ");
}

TEST(Progress, ACommandDrawsOnATerminal) {
  std::ostringstream out, err;
  run_application({"bench", "none.gguf", "--quiet"}, out, err, 80);
  EXPECT_EQ(err.str().find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
