#include <sstream>

#include <gtest/gtest.h>

#include <verge/cli/reference_warning.hpp>

namespace verge::cli {
namespace {

TEST(ReferenceWarning, IsOneLineOrNone) {
  std::ostringstream out, err;
  Context context{out, err, nullptr};
  EXPECT_TRUE(warn_of_reference({}, context).empty());
  EXPECT_EQ(err.str(), "");
  EXPECT_EQ(warn_of_reference({"log (a)", "log (b)"}, context).size(), 2u);
  EXPECT_EQ(err.str(),
            "warning: no fast kernel for log (a) and 1 more; the reference runs, which is very "
            "slow\n");
}

}  // namespace
}  // namespace verge::cli
