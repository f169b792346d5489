#include <set>

#include <gtest/gtest.h>

#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx {
namespace {

TEST(OnnxOps, AreListedOnce) {
  std::set<std::string_view> names;
  for (const OpGroup& group : ops::table()) {
    for (const OnnxOp& op : group.ops) {
      EXPECT_TRUE(names.insert(op.name).second) << op.name;
      EXPECT_EQ(find_onnx_op(op.name), &op);
    }
  }
  EXPECT_GT(names.size(), 90u);
  EXPECT_EQ(find_onnx_op("Nothing"), nullptr);
}

}  // namespace
}  // namespace verge::onnx
