#include <gtest/gtest.h>

#include <verge/core/svg.hpp>

namespace verge {
namespace {

TEST(Svg, EscapesWordsAndTips) {
  Svg svg(100, 50);
  svg.text(1, 2, "a < b & c", Anchor::End, "fill=\"red\"");
  svg.rect({1, 2, 3, 4}, "fill=\"none\"", "<tip>");
  const std::string text = svg.finish();
  EXPECT_NE(text.find("text-anchor=\"end\" fill=\"red\">a &lt; b &amp; c</text>"),
            std::string::npos);
  EXPECT_NE(text.find("<title>&lt;tip&gt;</title>"), std::string::npos);
  EXPECT_TRUE(text.ends_with("</svg>\n"));
}

TEST(Svg, TicksAreRoundNumbersWithinTheRange) {
  EXPECT_EQ(ticks(0, 10), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(ticks(-120, 90), (std::vector<double>{-100, -50, 0, 50}));
  EXPECT_EQ(ticks(3, 3.9).front(), 3);
}

}  // namespace
}  // namespace verge
