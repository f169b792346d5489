#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Log, Values) {
  expect_values("log", {given({2}, {1, 2.718281828459045})}, {}, {0, 1});
}

TEST(Log, Gradient) {
  expect_gradient("log", {trained({2, 3}, 0.5, 2)});
}

}  // namespace
}  // namespace verge::support
