#include <gtest/gtest.h>

#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::emit {
namespace {

TEST(COp, IsFoundByTheNameOfAnOperatorThatThereIs) {
  EXPECT_EQ(find_c_op("no such"), nullptr);
  size_t count = 0;
  for (const COpGroup& group : ops::table()) {
    for (const COp& op : group.ops) {
      EXPECT_NE(graph::find_op(op.name), nullptr) << op.name;
      EXPECT_EQ(find_c_op(op.name), &op) << "twice: " << op.name;
      ++count;
    }
  }
  EXPECT_GT(count, 50u);
}

TEST(COp, FloatsAreReadBackAsTheyWere) {
  EXPECT_EQ(c_float(1), "1.f");
  EXPECT_EQ(c_float(-0.0), "-0.f");
  EXPECT_EQ(c_float(1e30), "1.00000002e+30f");
  EXPECT_EQ(c_float(NAN), "NAN");
  EXPECT_EQ(c_float(-HUGE_VAL), "-INFINITY");
  for (const float x : {0.1f, 1.0f / 3, 1e-40f, 3.4e38f}) {
    EXPECT_EQ(std::strtof(c_float(x).c_str(), nullptr), x);
  }
}

}  // namespace
}  // namespace verge::emit
