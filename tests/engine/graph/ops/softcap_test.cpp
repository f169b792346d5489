#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Softcap, StaysBelowTheCap) {
  expect_values("softcap", {given({3}, {0, 30, 1e6})}, {{"cap", 30.0}},
                {0, 30 * std::tanh(1.0), 30});
}

TEST(Softcap, Gradient) {
  expect_gradient("softcap", {trained({2, 3}, -5, 5)}, {{"cap", 2.0}});
}

}  // namespace
}  // namespace verge::support
