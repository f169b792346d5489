#include "op_check.hpp"

namespace verge::support {
namespace {

// tanh(ln 2) = (2 - 1/2) / (2 + 1/2).
TEST(Tanh, Values) {
  expect_values("tanh", {given({2}, {0, std::log(2.0)})}, {}, {0, 0.6});
}

TEST(Tanh, Gradient) {
  expect_gradient("tanh", {trained({2, 3}, -2, 2)});
}

}  // namespace
}  // namespace verge::support
