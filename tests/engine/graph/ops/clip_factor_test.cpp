#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ClipFactor, ShortensWhatIsTooLongTogether) {
  const std::vector<Operand> sums = {given({}, {9}), given({}, {7}), given({}, {0})};
  expect_values("clip_factor", sums, {{"max_norm", 1.0}}, {0.25});
  expect_values("clip_factor", sums, {{"max_norm", 4.0}}, {1});
  expect_values("clip_factor", {given({}, {0})}, {{"max_norm", 1.0}}, {1});
}

}  // namespace
}  // namespace verge::support
