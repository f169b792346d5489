#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Hsigmoid, Values) {
  expect_values("hsigmoid", {given({4}, {-4, 0, 1.5, 4})}, {}, {0, 0.5, 0.75, 1});
}

TEST(Hsigmoid, Gradient) {
  expect_gradient("hsigmoid", {trained({3, 4}, -5, 5)});
}

}  // namespace
}  // namespace verge::support
