#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(LeakyRelu, Values) {
  expect_values("leaky_relu", {given({2}, {-2, 3})}, {{"slope", 0.25}}, {-0.5, 3});
}

TEST(LeakyRelu, Gradient) {
  expect_gradient("leaky_relu", {trained({3, 4})}, {{"slope", 0.25}});
}

}  // namespace
}  // namespace verge::support
