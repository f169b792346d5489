#include <limits>

#include <gtest/gtest.h>

#include <verge/core/line_plot.hpp>

namespace verge {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(LinePlot, DrawsEverySeriesAndEscapesWords) {
  const std::string svg = to_svg(
      {"a < b & c", "step", "loss", {{"one", {{0, 1}, {10, 3}}}, {"two", {{0, 2}, {10, 2}}}}});
  EXPECT_EQ(count(svg, "<polyline"), 2u);
  EXPECT_NE(svg.find("a &lt; b &amp; c"), std::string::npos);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(LinePlot, LeavesOutWhatIsNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string svg = to_svg({"t", "x", "y", {{"s", {{0, 1}, {1, nan}, {2, 2}}}}});
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(to_svg({"empty", "x", "y", {}}).find("<svg"), std::string::npos);
}

}  // namespace
}  // namespace verge
