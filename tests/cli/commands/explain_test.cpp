#include "../tuning_case.hpp"

namespace verge::cli {
namespace {

class ExplainCommand : public TuningCase {};

TEST_F(ExplainCommand, SaysWhoKeepsATensorOfAPlan) {
  ASSERT_EQ(test::run_verge(compile({"--scheme", "last:1"})).status, 0);
  const test::Ran ran = test::run_verge({"explain", plan_, "--tensor", "head.weight"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("head.weight: parameter"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("read by"), std::string::npos);
  const test::Ran frozen = test::run_verge({"explain", plan_, "--tensor", "stage.0.0.conv.weight"});
  EXPECT_NE(frozen.out.find("copied once, when the plan is bound, for node"), std::string::npos)
      << frozen.out << frozen.err;
  EXPECT_EQ(ran.out.find("copied once"), std::string::npos) << ran.out;
  test::expect_refused(test::run_verge({"explain", plan_, "--tensor", "haed.weight"}), 1,
                       "head.weight");
  test::expect_refused(
      test::run_verge({"explain", plan_, "--tensor", "head.weight", "--program", "decode"}), 2,
      "it has step, evaluate");
}

}  // namespace
}  // namespace verge::cli
