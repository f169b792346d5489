#include <limits>
#include <regex>

#include <gtest/gtest.h>

#include <verge/core/bar_chart.hpp>

namespace verge {
namespace {

// Heights of the rectangles that have a tip, in their order.
std::vector<double> heights(const std::string& svg) {
  static const std::regex rect("<rect [^>]*height=\"([0-9.]+)\"[^>]*><title>");
  std::vector<double> found;
  for (std::sregex_iterator at(svg.begin(), svg.end(), rect), end; at != end; ++at) {
    found.push_back(std::stod((*at)[1]));
  }
  return found;
}

TEST(BarChart, PartsStandOnEachOtherInProportion) {
  const std::string svg = to_svg(
      {"a < b", "s", {"edge", "server"}, {{"collab\n8 clients", {3, 1}}, {"cloud", {0, 2}}}});
  const std::vector<double> found = heights(svg);
  ASSERT_EQ(found.size(), 3u) << svg;
  EXPECT_NEAR(found[0], 3 * found[1], 0.5);
  EXPECT_NEAR(found[2], 2 * found[1], 0.5);
  for (const char* words : {"a &lt; b", ">collab<", ">8 clients<", ">cloud<", ">edge<", ">4<"}) {
    EXPECT_NE(svg.find(words), std::string::npos) << words;
  }
}

TEST(BarChart, LeavesOutWhatIsNoHeight) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string svg = to_svg({"t", "y", {"a", "b", "c"}, {{"one", {nan, -1, 2}}}});
  EXPECT_EQ(heights(svg).size(), 1u) << svg;
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(to_svg(BarChart{}).find("<svg"), std::string::npos);
}

}  // namespace
}  // namespace verge
