#include <gtest/gtest.h>

#include <verge/engine/format/onnx/types.hpp>

namespace verge::format::onnx {
namespace {

TEST(OnnxTypes, HaveNamesAndSizes) {
  EXPECT_EQ(name(ElementType::Int64), "int64");
  EXPECT_EQ(element_bytes(ElementType::Bfloat16), 2);
  EXPECT_EQ(element_bytes(ElementType::String), 0);
  EXPECT_EQ(name(static_cast<ElementType>(23)), "type 23");
  EXPECT_EQ(element_bytes(static_cast<ElementType>(23)), 0);
  EXPECT_TRUE(is_float(ElementType::Float16));
  EXPECT_FALSE(is_float(ElementType::Bool));
}

TEST(OnnxTypes, CountAndFind) {
  TensorData tensor;
  EXPECT_EQ(tensor.count(), 1);
  tensor.dims = {2, 3};
  EXPECT_EQ(tensor.count(), 6);
  NodeData node;
  node.attributes.push_back({.name = "axis"});
  EXPECT_EQ(node.find("axis"), &node.attributes[0]);
  EXPECT_EQ(node.find("axes"), nullptr);
}

}  // namespace
}  // namespace verge::format::onnx
