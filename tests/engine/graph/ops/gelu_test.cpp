#include "op_check.hpp"

namespace verge::support {
namespace {

// The normal distribution function at 1 is 0.8413447460685429 (tables).
TEST(Gelu, Values) {
  expect_values("gelu", {given({3}, {0, 1, -1})}, {{"approximate", "none"}},
                {0, 0.8413447460685429, -0.15865525393145707});
  expect_values("gelu", {given({2}, {1, -1})}, {}, {0.8413447460685429, -0.15865525393145707},
                2e-4);
}

TEST(Gelu, Gradient) {
  expect_gradient("gelu", {trained({2, 3}, -3, 3)});
  expect_gradient("gelu", {trained({2, 3}, -3, 3)}, {{"approximate", "none"}});
}

}  // namespace
}  // namespace verge::support
