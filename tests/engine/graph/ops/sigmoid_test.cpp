#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Sigmoid, Values) {
  expect_values("sigmoid", {given({2}, {0, std::log(3.0)})}, {}, {0.5, 0.75});
}

TEST(Sigmoid, Gradient) {
  expect_gradient("sigmoid", {trained({2, 3}, -3, 3)});
}

}  // namespace
}  // namespace verge::support
