#include <sstream>

#include <gtest/gtest.h>

#include <verge/cli/profile_table.hpp>

namespace verge::cli {
namespace {

const std::vector<runtime::OperatorTime> kTimes = {{"matmul", 8, 0, 0.003}, {"tanh", 2, 1, 0.001}};

TEST(ProfileTable, ShowsSharesAndSlowKernels) {
  std::ostringstream out;
  print_profile("step", kTimes, out);
  EXPECT_NE(out.str().find("step"), std::string::npos);
  EXPECT_NE(out.str().find("75.0%\n"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("25.0%  reference kernel\n"), std::string::npos) << out.str();
}

TEST(ProfileTable, IsAListInJson) {
  const auto json = profile_json(kTimes);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["op"], "matmul");
  EXPECT_EQ(json[1]["reference_nodes"], 1);
  EXPECT_EQ(json[0]["seconds"], 0.003);
}

}  // namespace
}  // namespace verge::cli
