#include <verge/engine/graph/dynamic_code.hpp>

#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::DynamicCode;

// One step from empty moments, by the formula of Kingma & Ba: m = 0.1 g, v = 0.001 g^2, and
// p moves by lr * sign(g), whatever the size of g. The largest of a block is stored exactly.
TEST(AdamW8bit, TheFirstStepMovesByTheSign) {
  const auto outputs =
      evaluate("adamw_8bit",
               {given({3}, {1, 1, 1}), given({3}, {4, -2, 0}), given({3}, {0, 0, 0}, DType::U8),
                given({1}, {0}), given({3}, {0, 0, 0}, DType::U8), given({1}, {0}),
                given({}, {1}, DType::I64), given({}, {0.1})},
               {{"weight_decay", 0.5}, {"eps", 0.0 + 1e-12}});
  expect_near(outputs[0], {0.95 - 0.1, 0.95 + 0.1, 0.95}, 1e-6);
  const DynamicCode &first = DynamicCode::of_signed(), &second = DynamicCode::of_unsigned();
  expect_near(outputs[1], {127, 128.0 + first.encode(0.5f), 0});
  expect_near(outputs[2], {0.4});
  expect_near(outputs[3], {255, static_cast<double>(second.encode(0.25f)), 0});
  expect_near(outputs[4], {0.001 * 16}, 1e-9);
}

TEST(AdamW8bit, ShapesOfScalesAreOfBlocks) {
  const graph::Type p{DType::F32, {2, 200}}, codes{DType::U8, {2, 200}};
  const graph::Type scalar{DType::F32, {}}, step{DType::I64, {}};
  const graph::Type two{DType::F32, {2}}, one{DType::F32, {1}};
  EXPECT_NE(inferred("adamw_8bit", {p, p, codes, two, codes, two, step, scalar}).find("u8"),
            std::string::npos);
  expect_refused("adamw_8bit", {p, p, codes, one, codes, two, step, scalar}, {}, "scales");
  expect_refused("adamw_8bit", {p, p, p, two, codes, two, step, scalar}, {}, "moment");
}

}  // namespace
}  // namespace verge::support
