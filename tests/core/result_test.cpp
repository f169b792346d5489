#include <gtest/gtest.h>

#include <verge/core/result.hpp>

namespace verge {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return make_error(Code::InvalidArgument, "{} is odd", value);
  return value / 2;
}

Result<int> quarter(int value) {
  VERGE_TRY(const int halved, half(value));
  VERGE_TRY(const int quartered, half(halved));
  return quartered;
}

TEST(Result, TryPassesValuesAndErrorsOn) {
  EXPECT_EQ(*quarter(8), 2);
  const Result<int> failed = quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "3 is odd");
  EXPECT_EQ(exit_status(failed.error().code), 2);
}

TEST(Result, ACallerLearnsWhetherToAskAgain) {
  EXPECT_EQ(http_status(Code::InvalidArgument), 400);
  EXPECT_EQ(http_status(Code::Busy), 429);
  EXPECT_EQ(http_status(Code::Internal), 500);
}

TEST(Result, CheckNamesItsOperands) {
  const int rank = 7;
  try {
    VERGE_CHECK(rank < 6, rank);
    FAIL();
  } catch (const InternalError& error) {
    EXPECT_NE(std::string(error.what()).find("rank < 6; (rank) = 7"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace verge
