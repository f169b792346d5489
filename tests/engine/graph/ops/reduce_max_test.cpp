#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ReduceMax, Values) {
  expect_values("reduce_max", {given({2, 2}, {1, 5, -3, -4})}, {{"axes", std::vector<int64_t>{1}}},
                {5, -3});
  EXPECT_TRUE(std::isnan(evaluate("reduce_max", {given({3}, {1, NAN, 2})},
                                  {{"axes", std::vector<int64_t>{0}}})[0][0]));
}

TEST(ReduceMax, Gradient) {
  for (const int64_t keep : {0, 1}) {
    expect_gradient("reduce_max", {trained({2, 3, 4})},
                    {{"axes", std::vector<int64_t>{1}}, {"keep", keep}});
  }
}

}  // namespace
}  // namespace verge::support
