#include "op_check.hpp"

namespace verge::support {
namespace {

// At gate = 0 gelu is 0 and its slope 1/2.
TEST(GegluGrad, Values) {
  const auto outputs = evaluate("geglu_grad", {given({1}, {0}), given({1}, {6}), given({1}, {2})});
  expect_near(outputs[0], {6});
  expect_near(outputs[1], {0});
}

}  // namespace
}  // namespace verge::support
