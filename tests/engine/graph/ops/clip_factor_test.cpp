#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ClipFactor, ShortensWhatIsTooLongTogether) {
  const std::vector<Operand> lengths = {given({}, {2}), given({}, {3}), given({}, {6})};
  expect_values("clip_factor", lengths, {{"max_norm", 1.75}}, {0.25});
  expect_values("clip_factor", lengths, {{"max_norm", 7.0}}, {1});
  expect_values("clip_factor", {given({}, {0})}, {{"max_norm", 1.0}}, {1});
}

}  // namespace
}  // namespace verge::support
