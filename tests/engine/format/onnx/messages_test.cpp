#include <gtest/gtest.h>
#include <onnx_writer.hpp>

#include <verge/engine/format/onnx/messages.hpp>

namespace verge::format::onnx {
namespace {

using test::OnnxMessage;

Result<ModelData> model_of(const std::string& bytes) {
  return read_model(test::onnx_bytes(bytes));
}

TEST(OnnxMessages, ReadAWholeModel) {
  const auto model = model_of(test::onnx_file(test::small_onnx(), 13));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->opset, 13);
  EXPECT_EQ(model->producer, "test");
  const GraphData& graph = model->graph;
  ASSERT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.nodes[0].op_type, "MatMul");
  EXPECT_EQ(graph.nodes[0].name, "the MatMul");
  EXPECT_EQ(graph.nodes[1].inputs, (std::vector<std::string>{"p", "b"}));
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.inputs[0].type, ElementType::Float);
  ASSERT_EQ(graph.inputs[0].dims.size(), 2u);
  EXPECT_EQ(graph.inputs[0].dims[0].value, -1);
  EXPECT_EQ(graph.inputs[0].dims[0].symbol, "n");
  EXPECT_EQ(graph.inputs[0].dims[1].value, 2);
  EXPECT_EQ(graph.initializers[1].count(), 3);
}

TEST(OnnxMessages, ReadWhatExportersSayBesides) {
  const OnnxMessage entry = OnnxMessage().text(1, "task").text(2, "detect");
  const auto model =
      model_of(test::onnx_file(test::small_onnx()) + OnnxMessage().message(14, entry).bytes());
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_EQ(model->metadata.size(), 1u);
  EXPECT_EQ(model->metadata[0], (std::pair<std::string, std::string>("task", "detect")));
}

TEST(OnnxMessages, ReadEachKindOfAttribute) {
  const float reals[] = {0.5f, 2};
  const std::string packed(reinterpret_cast<const char*>(reals), sizeof reals);
  test::OnnxParts inner;
  inner.nodes = {test::onnx_node("Relu", {"x"}, {"r"})};
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node(
      "Made", {"x", ""}, {"y"},
      {test::onnx_integer_attribute("i", -3), OnnxMessage().text(1, "f").real(2, 0.25f),
       OnnxMessage().text(1, "s").text(4, "same"), OnnxMessage().text(1, "is").text(8, "\x01\x02"),
       OnnxMessage().text(1, "fs").text(7, packed), OnnxMessage().text(1, "none").integer(20, 7),
       OnnxMessage().text(1, "t").message(5, test::onnx_tensor<float>("", 1, {1}, {4})),
       OnnxMessage().text(1, "g").message(6, inner.graph())})};
  const auto model = model_of(test::onnx_file(parts));
  ASSERT_TRUE(model) << model.error().message;
  const NodeData& node = model->graph.nodes[0];
  EXPECT_EQ(node.inputs[1], "");
  EXPECT_EQ(node.find("i")->integer, -3);
  EXPECT_EQ(node.find("f")->real, 0.25);
  EXPECT_EQ(node.find("s")->text, "same");
  EXPECT_EQ(node.find("is")->integers, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(node.find("fs")->reals, (std::vector<double>{0.5, 2}));
  EXPECT_EQ(node.find("none")->kind, AttributeKind::Ints);
  EXPECT_EQ(node.find("t")->tensor->count(), 1);
  EXPECT_EQ(node.find("g")->graph->nodes[0].op_type, "Relu");
}

TEST(OnnxMessages, NameTheNodeThatIsDamaged) {
  test::OnnxParts parts = test::small_onnx();
  parts.nodes[1] =
      test::onnx_node("Add", {"p", "b"}, {"y"}, {OnnxMessage().text(1, "t").text(5, "\x0a\x7f")});
  const std::string message = model_of(test::onnx_file(parts)).error().message;
  EXPECT_NE(message.find("node 1 Add \"the Add\": "), std::string::npos) << message;
  EXPECT_NE(model_of(OnnxMessage().integer(1, 8).bytes()).error().message.find("holds no graph"),
            std::string::npos);
  parts.nodes[1] = test::onnx_node("If", {"c"}, {"y"}, {OnnxMessage().text(1, "g").integer(20, 5)});
  EXPECT_NE(model_of(test::onnx_file(parts)).error().message.find("attribute g"),
            std::string::npos);
}

TEST(OnnxMessages, RefuseEndlessNesting) {
  test::OnnxParts parts;
  for (int depth = 0; depth < 40; ++depth) {
    const OnnxMessage branch = OnnxMessage().text(1, "g").message(6, parts.graph());
    parts.nodes = {test::onnx_node("If", {"c"}, {"y"}, {branch})};
  }
  EXPECT_NE(model_of(test::onnx_file(parts)).error().message.find("nested more than 32 deep"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::format::onnx
