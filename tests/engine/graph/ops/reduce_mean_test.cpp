#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ReduceMean, Values) {
  expect_values("reduce_mean", {given({2, 3}, {1, 2, 3, 4, 5, 6})},
                {{"axes", std::vector<int64_t>{1}}}, {2, 5});
}

TEST(ReduceMean, Gradient) {
  for (const int64_t keep : {0, 1}) {
    expect_gradient("reduce_mean", {trained({2, 3, 4})},
                    {{"axes", std::vector<int64_t>{0, 2}}, {"keep", keep}});
  }
}

}  // namespace
}  // namespace verge::support
