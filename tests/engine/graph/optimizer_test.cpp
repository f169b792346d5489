#include <verge/engine/graph/optimizer.hpp>

#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Optimizer, RefusesQuantizedParametersAndOtherShapes) {
  const graph::Type p{DType::F32, {32, 2}}, scalar{DType::F32, {}};
  const graph::Type quantized{DType::Q4_0, {2, 32}}, like{DType::F32, {2, 32}};
  expect_refused("lion", {quantized, like, like, scalar}, {}, "train an adapter");
  expect_refused("lion", {p, like, p, scalar}, {}, "grad is [2, 32] instead of [32, 2]");
  expect_refused("lion", {p, p, p, p}, {}, "lr is [32, 2] instead of []");
}

}  // namespace
}  // namespace verge::support
