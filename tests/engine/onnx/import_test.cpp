#include <algorithm>
#include <cmath>
#include <list>

#include <gtest/gtest.h>
#include <onnx_writer.hpp>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/onnx/import.hpp>

namespace verge::onnx {
namespace {

using test::onnx_node;
using test::OnnxMessage;

class OnnxImport : public testing::Test {
 protected:
  Result<Network> import(const test::OnnxParts& parts, const std::vector<InputBinding>& bindings) {
    bytes_.push_back(test::onnx_file(parts));
    files_.push_back(
        format::onnx::Onnx::parse(test::onnx_bytes(bytes_.back()), "net.onnx").value());
    return import_onnx(files_.back(), bindings);
  }
  std::string refusal(const test::OnnxParts& parts, const std::vector<InputBinding>& bindings) {
    const auto network = import(parts, bindings);
    return network ? "none" : network.error().message;
  }
  static std::vector<InputBinding> x_of(Shape shape) { return {{"x", shape, std::nullopt}}; }

  std::list<std::string> bytes_;
  std::list<format::onnx::Onnx> files_;
};

TEST_F(OnnxImport, GivesAGraphOfTheBoundShapes) {
  const auto network = import(test::small_onnx(), x_of({4, 2}));
  ASSERT_TRUE(network) << network.error().message;
  ASSERT_EQ(network->inputs.size(), 1u);
  ASSERT_EQ(network->outputs.size(), 1u);
  EXPECT_EQ(network->outputs[0].shape, Shape({4, 3}));
  EXPECT_EQ(network->graph.nodes[0].op->name, "linear");
  EXPECT_EQ(network->graph.nodes[0].source, "the MatMul");
}

TEST_F(OnnxImport, SaysWhatAnInputNeeds) {
  EXPECT_EQ(refusal(test::small_onnx(), {}), "net.onnx: input \"x\" is nx2: say how large it is");
  EXPECT_EQ(refusal(test::small_onnx(), x_of({4, 3})), "net.onnx: input \"x\" is nx2, not [4, 3]");
  EXPECT_EQ(refusal(test::small_onnx(), {{"z", {1, 2}, std::nullopt}}),
            "net.onnx: no input is named \"z\"; there are x");
}

TEST_F(OnnxImport, ListsAllOperatorsThatAreMissing) {
  test::OnnxParts parts = test::small_onnx();
  parts.nodes.push_back(onnx_node("Unique", {"y"}, {"t"}));
  parts.nodes.push_back(onnx_node("Scan", {"t"}, {"l"}));
  parts.nodes.push_back(onnx_node("Unique", {"y"}, {"u"}));
  EXPECT_EQ(refusal(parts, x_of({1, 2})),
            "net.onnx: Verge has no operator for Scan: node 3 \"the Scan\"; Unique: 2 nodes, the "
            "first node 2 \"the Unique\"; export the network without");
  EXPECT_EQ(unsupported_operators(files_.back()).size(), 2u);
}

TEST_F(OnnxImport, NamesTheNodeThatDoesNotFit) {
  test::OnnxParts parts = test::small_onnx();
  parts.constants[0] = test::onnx_tensor<float>("w", test::kOnnxFloat, {1, 3}, {1, 2, 3});
  const std::string message = refusal(parts, x_of({1, 2}));
  EXPECT_NE(message.find("net.onnx: node 0 MatMul \"the MatMul\": linear (the MatMul): "),
            std::string::npos)
      << message;
  parts = test::small_onnx();
  parts.nodes[1] = onnx_node("Add", {"p", "q"}, {"y"});
  EXPECT_NE(refusal(parts, x_of({1, 2})).find("\"q\" is computed by no node before it"),
            std::string::npos);
}

// A reshape to extents that the network is given only when it runs has no shape.
TEST_F(OnnxImport, RefusesShapesThatDependOnValues) {
  test::OnnxParts parts;
  parts.nodes = {onnx_node("Reshape", {"x", "s"}, {"y"})};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {2, 3}),
                  test::onnx_value("s", test::kOnnxInt64, {2})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {-1, -1})};
  EXPECT_NE(refusal(parts, {}).find("its input 1 \"s\" depends on what the network is given"),
            std::string::npos);
}

test::OnnxParts choice(std::string_view output = "b") {
  const auto branch = [&](const char* op) {
    test::OnnxParts inner;
    inner.nodes = {onnx_node(op, {"x"}, {"b"})};
    inner.outputs = {test::onnx_value(output, test::kOnnxFloat, {2})};
    return inner.graph();
  };
  test::OnnxParts parts;
  parts.nodes = {
      onnx_node("Equal", {"rate", "k"}, {"c"}),
      onnx_node("If", {"c"}, {"y"},
                {test::OnnxMessage().text(1, "then_branch").message(6, branch("Relu")),
                 test::OnnxMessage().text(1, "else_branch").message(6, branch("Scan"))})};
  parts.constants = {test::onnx_tensor<int64_t>("k", test::kOnnxInt64, {}, {16000})};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {2}),
                  test::onnx_value("rate", test::kOnnxInt64, {})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {2})};
  return parts;
}

TEST_F(OnnxImport, ChoosesABranchByASingleInteger) {
  const auto network = import(choice(), {{"rate", Shape{}, 16000}});
  ASSERT_TRUE(network) << network.error().message;
  ASSERT_EQ(network->graph.nodes.size(), 1u);
  EXPECT_EQ(network->graph.nodes[0].op->name, "relu");
  EXPECT_NE(network->inputs[1].known, nullptr);
  EXPECT_TRUE(is_switch(inputs_of(files_.back())[1]));
  EXPECT_FALSE(is_switch(inputs_of(files_.back())[0]));
  EXPECT_NE(refusal(choice(), {{"rate", Shape{}, 8000}}).find("node 0 Scan"), std::string::npos);
  EXPECT_NE(refusal(choice(), {}).find("a single int64, which may choose"), std::string::npos);
}

// What does not depend on x is computed here, and an input may be an output.
TEST_F(OnnxImport, KeepsConstantOutputsBesideTheGraph) {
  test::OnnxParts parts;
  parts.nodes = {onnx_node("Shape", {"x"}, {"s"}), onnx_node("Identity", {"x"}, {"y"})};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {2, 3})};
  parts.outputs = {test::onnx_value("s", test::kOnnxInt64, {2}),
                   test::onnx_value("y", test::kOnnxFloat, {2, 3})};
  const auto network = import(parts, {});
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_TRUE(network->graph.nodes.empty());
  ASSERT_NE(network->outputs[0].known, nullptr);
  EXPECT_EQ(network->outputs[0].known->span<double>()[1], 3);
  EXPECT_EQ(network->outputs[1].value, "x");
}

TEST_F(OnnxImport, RefusesOutputsWithoutAName) {
  test::OnnxParts parts = test::small_onnx();
  parts.outputs = {test::onnx_value("", test::kOnnxFloat, {})};
  EXPECT_EQ(refusal(parts, x_of({1, 2})), "net.onnx: an output of the graph has no name");
  parts.outputs = {test::onnx_value("q", test::kOnnxFloat, {})};
  EXPECT_NE(refusal(parts, x_of({1, 2})).find("\"q\" is computed by no node"), std::string::npos);
  EXPECT_NE(refusal(choice(""), {{"rate", Shape{}, 16000}}).find("has no name"), std::string::npos);
}

TEST_F(OnnxImport, RefusesNamesThatAreDefinedTwice) {
  const auto second = [&](const char* name) {
    test::OnnxParts parts = test::small_onnx();
    parts.nodes.push_back(onnx_node("Relu", {"y"}, {name}));
    return refusal(parts, x_of({1, 2}));
  };
  for (const char* name : {"p", "x", "w"}) {
    EXPECT_EQ(second(name),
              fmt::format("net.onnx: node 2 Relu \"the Relu\": \"{}\" is defined twice", name));
  }
  test::OnnxParts parts = test::small_onnx();
  parts.inputs.push_back(parts.inputs[0]);
  EXPECT_EQ(refusal(parts, x_of({1, 2})), "net.onnx: \"x\" is defined twice");
  parts = test::small_onnx();
  parts.constants.push_back(parts.constants[0]);
  EXPECT_EQ(refusal(parts, x_of({1, 2})), "net.onnx: tensor \"w\" is stored twice");
}

TEST_F(OnnxImport, RefusesOpsetsItDoesNotKnow) {
  for (const int64_t opset : {6, 22}) {
    const std::string bytes = test::onnx_file(test::small_onnx(), opset);
    const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes), "net.onnx").value();
    EXPECT_EQ(
        import_onnx(file, x_of({1, 2})).error().message,
        fmt::format("net.onnx: it is of opset {}; export the network with one of 7 to 21", opset));
  }
}

// One node over x, an input of the shape it is given, and constants c0, c1, ...
class OnnxImportOfANode : public OnnxImport {
 protected:
  using List = std::vector<int64_t>;

  static OnnxMessage floats(const List& dims, const std::vector<float>& values) {
    return test::onnx_tensor<float>("", test::kOnnxFloat, dims, values);
  }
  static OnnxMessage zeros(const List& dims) {
    return floats(dims, std::vector<float>(static_cast<size_t>(count_of(dims))));
  }
  static OnnxMessage integers(const List& values) {
    return test::onnx_tensor<int64_t>("", test::kOnnxInt64, {static_cast<int64_t>(values.size())},
                                      values);
  }
  static OnnxMessage list(std::string_view name, const List& values) {
    OnnxMessage message;
    message.text(1, name);
    for (int64_t value : values) message.integer(8, value);
    return message.integer(20, 7);
  }
  static OnnxMessage text(std::string_view name, std::string_view value) {
    return OnnxMessage().text(1, name).text(4, value).integer(20, 3);
  }

  test::OnnxParts net_of(const char* op, const List& x, std::vector<OnnxMessage> constants,
                         const std::vector<OnnxMessage>& attributes = {}) {
    test::OnnxParts parts;
    std::vector<std::string> names;
    if (!x.empty()) {
      names.emplace_back("x");
      parts.inputs = {test::onnx_value("x", test::kOnnxFloat, x)};
    }
    for (size_t i = 0; i < constants.size(); ++i) {
      names.push_back(fmt::format("c{}", i));
      constants[i].text(8, names.back());
    }
    parts.constants = std::move(constants);
    parts.nodes = {onnx_node(op, names, {"y"}, attributes)};
    parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {})};
    return parts;
  }
  void expect_refused(const test::OnnxParts& parts, std::string_view part) {
    const std::string message = refusal(parts, {});
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }

 private:
  static int64_t count_of(const List& dims) {
    int64_t count = 1;
    for (int64_t extent : dims) count *= extent;
    return count;
  }
};

TEST_F(OnnxImportOfANode, BoundsWindows) {
  const OnnxMessage w = zeros({2, 3, 1, 2});
  expect_refused(net_of("Conv", {1, 3, 1, 9}, {w}, {list("dilations", {1, 1 << 15})}),
                 "a window reaches over 32769 elements");
  expect_refused(net_of("Conv", {1, 3, 1, 9}, {w}, {list("strides", {1, 1 << 16})}),
                 "strides is [1, 65536]");
  const auto strides_of = [&](const test::OnnxParts& parts) {
    const auto network = import(parts, {});
    EXPECT_TRUE(network) << network.error().message;
    return network ? network->graph.nodes.back().attrs.list("strides") : List{};
  };
  const OnnxMessage wide = list("strides", {1 << 15, 1 << 15});
  EXPECT_EQ(strides_of(net_of("Conv", {1, 3, 1, 9}, {w}, {wide})), (List{1, 8}));
  EXPECT_EQ(
      strides_of(net_of("AveragePool", {1, 3, 4, 9}, {}, {list("kernel_shape", {2, 2}), wide})),
      (List{3, 8}));
  EXPECT_EQ(strides_of(net_of("ConvTranspose", {1, 2, 1, 1}, {w}, {wide})), (List{1, 1}));
  expect_refused(net_of("ConvTranspose", {1, 3, 4, 4}, {zeros({3, 1, 1, 1})},
                        {test::onnx_integer_attribute("group", 2)}),
                 "3 channels in 2 groups");
}

// 57 x 57 windows of 40000 elements are more than what 65536 stored ones allow.
TEST_F(OnnxImportOfANode, LeavesLargePoolsToThePlan) {
  const auto network = import(
      net_of("AveragePool", {}, {zeros({1, 1, 256, 256})}, {list("kernel_shape", {200, 200})}), {});
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->graph.nodes.size(), 1u);
}

TEST_F(OnnxImportOfANode, TakesNoIndexThatIsNoNumber) {
  expect_refused(net_of("Gather", {3}, {floats({1}, {NAN})}), "index nan of 3");
  expect_refused(net_of("Range", {}, {floats({}, {0}), floats({}, {NAN}), floats({}, {1})}),
                 "elements");
  expect_refused(net_of("Range", {}, {floats({}, {0}), floats({}, {1}), floats({}, {0})}),
                 "it has inf elements");
  const auto none =
      import(net_of("Range", {}, {floats({}, {0}), floats({}, {-1e30f}), floats({}, {1})}), {});
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(none->outputs[0].shape, Shape({0}));
}

TEST_F(OnnxImportOfANode, RefusesToResizeNothing) {
  test::OnnxParts nothing =
      net_of("Resize", {}, {zeros({0}), zeros({0}), zeros({0}), integers({2})});
  expect_refused(nothing, "axis 0 of 0 becomes 2");
}

TEST_F(OnnxImportOfANode, RefusesLongBordersOfCopies) {
  expect_refused(net_of("Pad", {1 << 19}, {integers({1, 1})}, {text("mode", "reflect")}),
                 "mode \"reflect\" along 524288 elements");
}

TEST_F(OnnxImportOfANode, RefusesAxesNamedTwice) {
  expect_refused(net_of("Transpose", {2, 2}, {}, {list("perm", {0, 0})}), "perm [0, 0] of 2 axes");
  expect_refused(net_of("Transpose", {2, 2}, {}, {list("perm", {0})}), "perm [0] of 2 axes");
  expect_refused(net_of("Unsqueeze", {2, 3}, {integers({1, 1})}), "an axis is named twice");
}

// A state of zeros is one zero, repeated when the network runs.
TEST_F(OnnxImportOfANode, RepeatsTheZeroOfAnInitialState) {
  const List x = {1, 1 << 16, 1};
  const std::vector<OnnxMessage> weights = {zeros({1, 8, 1}), zeros({1, 8, 2})};
  const auto network = import(net_of("LSTM", x, weights), {});
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_TRUE(std::ranges::any_of(
      network->graph.nodes, [](const auto& node) { return node.op->name == "broadcast_to"; }));
  std::vector<OnnxMessage> with_bias = weights;
  with_bias.push_back(zeros({1, 8}));
  expect_refused(net_of("LSTM", x, with_bias), "input 3 is [1, 8]");
}

// A loop around relu with these rounds and condition (inputs of the loop) and what the body gives.
test::OnnxParts loop_parts(const std::string& rounds, const std::string& condition,
                           const char* goes_on, std::vector<std::string> carried = {"x"}) {
  test::OnnxParts body;
  body.nodes = {onnx_node("Relu", {"c"}, {"d"}), onnx_node("Identity", {goes_on}, {"g"})};
  for (const char* name : {"n", "on", "c"}) {
    body.inputs.push_back(test::onnx_value(name, test::kOnnxFloat, {}));
  }
  for (const char* name : {"g", "d"}) {
    body.outputs.push_back(test::onnx_value(name, test::kOnnxFloat, {}));
  }
  std::vector<std::string> inputs = {rounds, condition};
  inputs.insert(inputs.end(), carried.begin(), carried.end());
  test::OnnxParts parts;
  parts.nodes = {
      onnx_node("Less", {"x", "x"}, {"computed"}),
      onnx_node("Loop", inputs, {"y"}, {OnnxMessage().text(1, "body").message(6, body.graph())})};
  parts.constants = {test::onnx_tensor<int64_t>("three", test::kOnnxInt64, {}, {3}),
                     test::onnx_tensor<int64_t>("many", test::kOnnxInt64, {}, {int64_t{1} << 40}),
                     test::onnx_tensor<uint8_t>("yes", test::kOnnxBool, {}, {1})};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {1})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {1})};
  return parts;
}

TEST_F(OnnxImport, UnrollsLoopsWithinItsBudget) {
  const auto network = import(loop_parts("three", "yes", "on"), {});
  ASSERT_TRUE(network) << network.error().message;
  const auto is_relu = [](const graph::Node& node) { return node.op->name == "relu"; };
  EXPECT_EQ(std::ranges::count_if(network->graph.nodes, is_relu), 3);
  const auto counted = import(loop_parts("three", "", "c"), {});
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_EQ(std::ranges::count_if(counted->graph.nodes, is_relu), 3);
  const std::pair<test::OnnxParts, const char*> refused[] = {
      {loop_parts("three", "computed", "on"), "whether it goes on depends on what"},
      {loop_parts("three", "yes", "c"), "whether it goes on depends on what"},
      {loop_parts("x", "yes", "on"), "input 0 \"x\" depends on what"},
      {loop_parts("many", "yes", "on"), "the network has more than"},
      {loop_parts("", "yes", "on"), "the network has more than"},
      {loop_parts("", "", "on"), "it never ends"},
      {loop_parts("three", "yes", "on", {"x", "x"}), "takes or gives other values"}};
  for (const auto& [parts, message] : refused) {
    EXPECT_NE(refusal(parts, {}).find(message), std::string::npos) << refusal(parts, {});
  }
}

// x * w, thrice.
TEST_F(OnnxImport, RoundsOfALoopShareTheirWeights) {
  test::OnnxParts body;
  body.nodes = {onnx_node("Mul", {"c", "w"}, {"d"}), onnx_node("Identity", {"on"}, {"g"})};
  body.constants = {test::onnx_tensor<float>("w", test::kOnnxFloat, {4}, {1, 2, 3, 4})};
  for (const char* name : {"n", "on", "c"}) {
    body.inputs.push_back(test::onnx_value(name, test::kOnnxFloat, {}));
  }
  for (const char* name : {"g", "d"}) {
    body.outputs.push_back(test::onnx_value(name, test::kOnnxFloat, {}));
  }
  test::OnnxParts parts = loop_parts("three", "yes", "on");
  parts.nodes[1] = onnx_node("Loop", {"three", "yes", "x"}, {"y"},
                             {OnnxMessage().text(1, "body").message(6, body.graph())});
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {4})};
  const auto network = import(parts, {});
  ASSERT_TRUE(network) << network.error().message;
  const auto is_mul = [](const graph::Node& node) { return node.op->name == "mul"; };
  EXPECT_EQ(std::ranges::count_if(network->graph.nodes, is_mul), 3);
  EXPECT_EQ(network->weights.size(), 1u);
}

TEST_F(OnnxImport, RefusesWhatDependsOnHowManyBoxesThereAre) {
  test::OnnxParts parts;
  parts.inputs = {test::onnx_value("b", test::kOnnxFloat, {1, 5, 4}),
                  test::onnx_value("s", test::kOnnxFloat, {1, 2, 5})};
  parts.constants = {test::onnx_tensor<int64_t>("most", test::kOnnxInt64, {1}, {3}),
                     test::onnx_tensor<int64_t>("one", test::kOnnxInt64, {1}, {1}),
                     test::onnx_tensor<int64_t>("last", test::kOnnxInt64, {1}, {-1})};
  parts.outputs = {test::onnx_value("y", test::kOnnxInt64, {-1, 3})};
  const auto with = [&](const char* op, const std::vector<std::string>& inputs,
                        const std::vector<OnnxMessage>& attributes = {}) {
    test::OnnxParts all = parts;
    all.nodes = {onnx_node("NonMaxSuppression", {"b", "s", "most"}, {"n"}),
                 onnx_node(op, inputs, {"y"}, attributes)};
    return all;
  };
  const auto network = import(with("Identity", {"n"}), {});
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->outputs[0].shape, Shape({6, 3}));
  EXPECT_FALSE(network->outputs[0].rows.count.empty());
  EXPECT_EQ(import(with("Slice", {"n", "one", "last", "one"}), {}).value().outputs[0].shape,
            Shape({6, 1}));
  // A file's own output of that name stays another.
  test::OnnxParts two = with("Relu", {"b"});
  two.nodes[1] = onnx_node("Relu", {"b"}, {"rows of n"});
  two.outputs = {test::onnx_value("n", test::kOnnxInt64, {-1, 3}),
                 test::onnx_value("rows of n", test::kOnnxFloat, {1, 5, 4})};
  const auto named = import(two, {}).value();
  EXPECT_EQ(named.outputs[0].rows.count, "rows of n_");
  EXPECT_EQ(named.outputs[1].value, "rows of n");
  for (const auto& refused :
       {with("Shape", {"n"}), with("Size", {"n"}), with("Slice", {"n", "one", "last"}),
        with("ReduceSum", {"n"}),
        with("TopK", {"n", "one"}, {test::onnx_integer_attribute("axis", 0)})}) {
    EXPECT_NE(refusal(refused, {}).find("boxes"), std::string::npos) << refusal(refused, {});
  }
}

}  // namespace
}  // namespace verge::onnx
