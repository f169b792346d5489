#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Clip, KeepsABitForEachElement) {
  const auto outputs = evaluate("clip", {given({4}, {-1, 3, 7, 5})}, {{"min", 0.0}, {"max", 6.0}});
  expect_near(outputs[0], {0, 3, 6, 5});
  expect_near(outputs[1], {2 + 8});
}

TEST(Clip, Gradient) {
  expect_gradient("clip", {trained({3, 5}, -2, 2)}, {{"min", -1.0}, {"max", 1.0}});
}

}  // namespace
}  // namespace verge::support
