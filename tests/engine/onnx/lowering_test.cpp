#include <set>

#include <gtest/gtest.h>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/onnx/lowering.hpp>

namespace verge::onnx {
namespace {

TEST(OnnxLowering, EveryEntryIsAnOperatorOfTheGraphOnce) {
  std::set<std::string_view> names;
  for (const LoweringGroup& group : lowering::table()) {
    for (const LoweredOp& op : group.ops) {
      EXPECT_TRUE(names.insert(op.name).second) << op.name;
      EXPECT_NE(graph::find_op(op.name), nullptr) << op.name;
      EXPECT_EQ(find_lowering(op.name), &op);
    }
  }
  EXPECT_EQ(find_lowering("sgd"), nullptr);
}

TEST(OnnxLowering, NamesAndConstantsAreMadeOnce) {
  format::onnx::GraphData graph;
  OnnxGraph onnx(graph);
  EXPECT_EQ(onnx.fresh("x"), "x");
  EXPECT_EQ(onnx.fresh("x"), "x_1");
  EXPECT_EQ(onnx.fresh("x"), "x_2");
  EXPECT_EQ(onnx.fresh(""), "value");
  EXPECT_EQ(onnx.integers({1, 2}), onnx.integers({1, 2}));
  EXPECT_EQ(onnx.number(0.5, DType::F32), onnx.number(0.5, DType::F32));
  EXPECT_NE(onnx.number(0.5, DType::F32), onnx.number(0.5, DType::F64));
  EXPECT_EQ(graph.initializers.size(), 3u);
}

}  // namespace
}  // namespace verge::onnx
