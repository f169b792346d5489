#include "op_check.hpp"

namespace verge::graph {
namespace {

TEST(Copy, IsTheSameElsewhere) {
  const Attrs to = {{"to", std::string("device")}}, from = {{"from", std::string("device")}};
  support::expect_values("copy", {support::given({2}, {3, -4})}, to, {3, -4});
  support::expect_values("copy", {support::given({2}, {3, -4})}, from, {3, -4});
  EXPECT_EQ(support::inferred("copy", {{DType::Q8_0, {32}}}, to), "q8_0 [32]");
  EXPECT_TRUE(find_op("copy")->puts_elsewhere(to));
  EXPECT_FALSE(find_op("copy")->puts_elsewhere(from));
}

TEST(Copy, GoesOneWay) {
  support::expect_refused("copy", {{DType::F32, {2}}}, {}, "to a backend, or from one");
  support::expect_refused("copy", {{DType::F32, {2}}},
                          {{"to", std::string("a")}, {"from", std::string("b")}},
                          "to a backend, or from one");
}

}  // namespace
}  // namespace verge::graph
