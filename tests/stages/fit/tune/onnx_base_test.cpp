#include <algorithm>
#include <set>

#include <bert_onnx.hpp>
#include <graph_runner.hpp>
#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/stages/fit/tune/onnx_base.hpp>

namespace verge::fit {
namespace {

using graph::kNone;

std::string refusal(const std::string& file, const BaseShape& shape) {
  const auto base = open_base_model(file, shape);
  return base ? std::string("taken") : base.error().message;
}

// A classifier of images of any size, as an exporter leaves it.
test::OnnxParts classifier_parts() {
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node("Conv", {"x", "k"}, {"c"}),
                 test::onnx_node("GlobalAveragePool", {"c"}, {"p"}),
                 test::onnx_node("Flatten", {"p"}, {"f"}),
                 test::onnx_node("Gemm", {"f", "w"}, {"y"})};
  parts.constants = {test::onnx_tensor<float>("k", test::kOnnxFloat, {2, 1, 1, 1}, {1, -1}),
                     test::onnx_tensor<float>("w", test::kOnnxFloat, {2, 3}, {1, 2, 3, 4, 5, 6})};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 1, -1, -1})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {-1, 3})};
  return parts;
}

std::string open_classifier(const test::TemporaryFolder& folder) {
  return folder.add("open.onnx", test::onnx_file(classifier_parts()));
}

TEST(OnnxBase, ExtentsThatAFileLeavesOpenAreGiven) {
  const test::TemporaryFolder folder;
  const std::string path = open_classifier(folder);
  const auto sized = [](const char* name, const Shape& shape) {
    return BaseShape{.batch = 2, .inputs = {{name, shape, std::nullopt}}};
  };
  const auto given = open_base_model(path, sized("x", {2, 1, 6, 5}));
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_TRUE(given->takes_pictures());
  EXPECT_EQ(given->network.config.height, 6);
  EXPECT_EQ(given->network.config.width, 5);
  EXPECT_EQ(given->graph.bound_shape(given->graph.value(given->graph.find("logits")).type),
            Shape({2, 3}));
  EXPECT_NE(refusal(path, {.batch = 2})
                .find("extent 2 of x (\"n\") is open; give --shape "
                      "x=2x1x224x224"),
            std::string::npos)
      << refusal(path, {.batch = 2});
  EXPECT_NE(refusal(path, sized("z", {2, 1, 6, 5})).find("no input is named \"z\""),
            std::string::npos);
  EXPECT_NE(refusal(path, sized("x", {2, 3, 6, 5})).find("not [2, 3, 6, 5]"), std::string::npos);
}

// y = x w + b, and s = softmax(y).
std::string two_outputs(const test::TemporaryFolder& folder) {
  test::OnnxParts parts = test::small_onnx();
  parts.nodes.push_back(test::onnx_node("Softmax", {"y"}, {"s"}));
  parts.outputs.push_back(test::onnx_value("s", test::kOnnxFloat, {-1, 3}));
  return folder.add("two.onnx", test::onnx_file(parts));
}

TEST(OnnxBase, TheLossIsBehindTheOutputThatIsNamed) {
  const test::TemporaryFolder folder;
  const std::string path = two_outputs(folder);
  const auto first = open_base_model(path, {.batch = 4});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(first->takes_pictures());
  EXPECT_EQ(first->network.config.classes, 3);
  EXPECT_EQ(first->inputs.size(), 1u);
  const auto softmax = open_base_model(path, {.batch = 4, .output = "s"});
  ASSERT_TRUE(softmax) << softmax.error().message;
  for (const graph::Node& node : softmax->graph.nodes) EXPECT_NE(node.op->name, "softmax");
  const auto squared = open_base_model(path, {.batch = 4, .output = "s", .squared_error = true});
  ASSERT_TRUE(squared) << squared.error().message;
  const auto type = squared->graph.value(squared->graph.find("targets")).type;
  EXPECT_EQ(squared->graph.bound_shape(type), Shape({4, 3}));
  EXPECT_NE(refusal(path, {.output = "t"}).find("no output is named \"t\"; there are y, s"),
            std::string::npos);
}

// Weights of the other outputs have no gradient.
TEST(OnnxBase, OfSeveralOutputsOfAPictureOneIsLeft) {
  const test::TemporaryFolder folder;
  test::OnnxParts parts = classifier_parts();
  parts.nodes.push_back(test::onnx_node("Gemm", {"f", "v"}, {"z"}));
  parts.constants.push_back(test::onnx_tensor<float>("v", test::kOnnxFloat, {2, 2}, {1, 2, 3, 4}));
  parts.outputs.push_back(test::onnx_value("z", test::kOnnxFloat, {-1, 2}));
  const std::string path = folder.add("two.onnx", test::onnx_file(parts));
  const BaseShape shape{
      .batch = 2, .inputs = {{"x", Shape{2, 1, 4, 4}, std::nullopt}}, .output = "z"};
  const auto base = open_base_model(path, shape);
  ASSERT_TRUE(base) << base.error().message;
  EXPECT_TRUE(base->takes_pictures());
  std::set<std::string> tensors;
  for (const auto& [name, origin] : base->origins) tensors.insert(origin.tensor);
  EXPECT_EQ(tensors, (std::set<std::string>{"k", "v"}));
  for (const nn::UpdatableLayer& layer : nn::updatable_layers(base->graph)) {
    EXPECT_TRUE(base->weights.contains(layer.weight)) << layer.weight;
  }
}

TEST(OnnxBase, SumsOfSingleNumbersAreTaken) {
  const test::TemporaryFolder folder;
  test::OnnxParts parts = test::small_onnx();
  parts.nodes.push_back(
      test::onnx_node("ReduceMean", {"y"}, {"m"}, {test::onnx_integer_attribute("keepdims", 0)}));
  parts.nodes.push_back(test::onnx_node("Add", {"m", "one"}, {"n"}));
  parts.nodes.push_back(test::onnx_node("Mul", {"y", "n"}, {"z"}));
  parts.constants.push_back(test::onnx_tensor<float>("one", test::kOnnxFloat, {}, {1}));
  parts.outputs = {test::onnx_value("z", test::kOnnxFloat, {-1, 3})};
  const auto base = open_base_model(folder.add("sum.onnx", test::onnx_file(parts)), {.batch = 4});
  ASSERT_TRUE(base) << base.error().message;
}

// Before opset 13 the axes from the given one on are one, and importing reshapes.
TEST(OnnxBase, ASoftmaxBetweenReshapesIsPartOfTheLoss) {
  const test::TemporaryFolder folder;
  test::OnnxParts parts = test::small_onnx();
  const auto file_of = [&](int64_t axis, int64_t opset) {
    test::OnnxParts whole = parts;
    whole.nodes.push_back(
        test::onnx_node("Softmax", {"y"}, {"s"}, {test::onnx_integer_attribute("axis", axis)}));
    whole.outputs = {test::onnx_value("s", test::kOnnxFloat, {-1, 5, 3})};
    return folder.add("soft.onnx", test::onnx_file(whole, opset));
  };
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 5, 2})};
  for (const int64_t opset : {11, 17}) {
    const auto base = open_base_model(file_of(2, opset), {.batch = 4});
    ASSERT_TRUE(base) << base.error().message;
    for (const graph::Node& node : base->graph.nodes) EXPECT_NE(node.op->name, "softmax");
    const auto type = base->graph.value(base->graph.find("logits")).type;
    EXPECT_EQ(base->graph.bound_shape(type), Shape({4, 5, 3}));
    EXPECT_NE(refusal(file_of(1, opset), {.batch = 4})
                  .find("output \"s\" is a softmax over another axis than its last one"),
              std::string::npos)
        << refusal(file_of(1, opset), {.batch = 4});
  }
}

TEST(OnnxBase, WeightsSayWhereInTheFileTheyLie) {
  const test::TemporaryFolder folder;
  const auto base = open_base_model(two_outputs(folder), {.batch = 4});
  ASSERT_TRUE(base);
  ASSERT_EQ(base->origins.size(), 2u);
  for (const auto& [name, origin] : base->origins) {
    const bool is_matrix = base->weights.at(name).view.shape.rank() == 2;
    EXPECT_EQ(origin.tensor, is_matrix ? "w" : "b");
    EXPECT_EQ(origin.is_transposed, is_matrix);  // MatMul has its matrix by rows
    EXPECT_TRUE(name.starts_with(origin.tensor + "#")) << name;
  }
  EXPECT_GE(base->copied_bytes, 24);
}

TEST(OnnxBase, NamesThatTrainingNeedsAreNoInputs) {
  const test::TemporaryFolder folder;
  test::OnnxParts parts = test::small_onnx();
  parts.nodes[0] = test::onnx_node("MatMul", {"labels", "w"}, {"p"});
  parts.inputs = {test::onnx_value("labels", test::kOnnxFloat, {-1, 2})};
  const std::string path = folder.add("named.onnx", test::onnx_file(parts));
  EXPECT_NE(refusal(path, {}).find("an input is named \"labels\""), std::string::npos);
}

TEST(OnnxBase, AnOutputWithoutSamplesHasNoLoss) {
  const test::TemporaryFolder folder;
  test::OnnxParts parts = test::small_onnx();
  parts.nodes.push_back(test::onnx_node("Transpose", {"y"}, {"t"}));
  parts.outputs = {test::onnx_value("t", test::kOnnxFloat, {3, -1})};
  const std::string path = folder.add("flat.onnx", test::onnx_file(parts));
  EXPECT_NE(refusal(path, {.batch = 4}).find("the output is [3, 4]"), std::string::npos);
}

size_t count_of(const graph::Graph& graph, std::string_view op) {
  return static_cast<size_t>(
      std::ranges::count_if(graph.nodes, [&](const auto& node) { return node.op->name == op; }));
}

Result<BaseModel> encoder(const test::TemporaryFolder& folder, const test::EncoderSpec& spec) {
  folder.add("encoder.onnx", test::encoder_onnx(spec));
  return open_base_model(folder / "encoder.onnx",
                         {.batch = 2, .inputs = {{"input_ids", Shape{2, 4}, std::nullopt}}});
}

TEST(OnnxBase, WrittenOutNormsAndActivationsAreOneOperatorEach) {
  const test::TemporaryFolder folder;
  for (const bool has_norm_op : {false, true}) {
    const auto base = encoder(folder, {.has_norm_op = has_norm_op});
    ASSERT_TRUE(base) << base.error().message;
    EXPECT_EQ(count_of(base->graph, "layer_norm"), 5u);
    EXPECT_EQ(count_of(base->graph, "gelu"), 2u);
    EXPECT_EQ(count_of(base->graph, "softmax"), 2u);
    EXPECT_EQ(count_of(base->graph, "erf") + count_of(base->graph, "pow"), 0u);
  }
}

// The same graph in doubles, for differences.
graph::Graph in_doubles(graph::Graph graph) {
  for (graph::Value& value : graph.values) {
    if (value.type.dtype != DType::F32) continue;
    value.type.dtype = DType::F64;
    if (value.data == nullptr) continue;
    Tensor data(DType::F64, value.data->shape());
    graph::store(data.view(), graph::load(value.data->view()));
    value.data = std::make_shared<const Tensor>(std::move(data));
  }
  for (graph::Node& node : graph.nodes) {
    if (node.op->name == "cast" && node.attrs.text("to") == "f32") {
      node.attrs.set("to", std::string("f64"));
    }
    graph::InferContext context{graph, node, {}};
    EXPECT_TRUE(node.op->infer(context));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNone) graph.value(node.outputs[i]).type = context.outputs[i];
    }
  }
  return graph;
}

void set_inputs(support::GraphRunner& runner, const BaseModel& base) {
  runner.set("input_ids", {1, 5, 2, 0, 7, 7, 10, 3});
  runner.set("attention_mask", {1, 1, 1, 0, 1, 1, 1, 1});
  if (base.graph.find("token_type_ids") != kNone) {
    runner.set("token_type_ids", {0, 0, 1, 1, 0, 1, 0, 0});
  }
  const bool is_per_token = base.graph.value(base.graph.find("labels")).type.dims.size() == 2;
  runner.set("labels", is_per_token ? std::vector<double>{0, 2, -1, 1, 1, 0, 2, -1}
                                    : std::vector<double>{2, 0});
  for (const auto& [name, weight] : base.weights) runner.set(name, graph::load(weight.view));
}

// Every weight of an encoder by central differences, at some of its elements.
void expect_whole_gradients(const BaseModel& base) {
  constexpr double kStep = 1e-5;
  std::vector<graph::ValueId> trainable;
  for (size_t id = 0; id < base.graph.values.size(); ++id) {
    if (base.graph.values[id].kind == graph::ValueKind::Param) {
      trainable.push_back(static_cast<graph::ValueId>(id));
    }
  }
  const auto joint = graph::differentiate(in_doubles(base.graph), base.loss, trainable);
  ASSERT_TRUE(joint) << joint.error().message;
  support::GraphRunner runner(joint->graph);
  set_inputs(runner, base);
  runner.run();
  std::vector<std::vector<double>> analytic;
  for (const graph::ValueId id : joint->gradients) analytic.push_back(runner.get(id));
  size_t checked = 0;
  for (size_t p = 0; p < trainable.size(); ++p) {
    const std::string& name = base.graph.value(trainable[p]).name;
    std::vector<double> values = runner.get(name);
    const size_t stride = std::max<size_t>(1, values.size() / 5);
    for (size_t i = p % stride; i < values.size(); i += stride) {
      const double value = values[i];
      const auto loss_at = [&](double moved) {
        values[i] = moved;
        runner.set(name, values);
        runner.run();
        return runner.get(base.loss)[0];
      };
      const double numeric = (loss_at(value + kStep) - loss_at(value - kStep)) / (2 * kStep);
      loss_at(value);
      EXPECT_NEAR(analytic[p][i], numeric, 1e-6 * std::max(1.0, std::abs(numeric)))
          << name << " at " << i;
      ++checked;
    }
  }
  EXPECT_GE(checked, 4 * trainable.size());
}

TEST(OnnxBase, GradientsOfAWholeEncoderAreItsDifferences) {
  const test::TemporaryFolder folder;
  const test::EncoderSpec specs[] = {{},
                                     {.has_norm_op = true, .is_per_token = true},
                                     {.is_distil = true},
                                     {.blocks = 1, .takes_norm_first = true}};
  for (const test::EncoderSpec& spec : specs) {
    const auto base = encoder(folder, spec);
    ASSERT_TRUE(base) << base.error().message;
    SCOPED_TRACE(fmt::format("distil {}, norm first {}, per token {}", spec.is_distil,
                             spec.takes_norm_first, spec.is_per_token));
    expect_whole_gradients(*base);
  }
}

// What a scheme updates of a block's parameters, by the names of the file.
std::set<std::string> updated(const BaseModel& base, const std::string& scheme) {
  const auto chosen = nn::preset_scheme(scheme, base.graph);
  EXPECT_TRUE(chosen) << chosen.error().message;
  const auto values = [&](const std::string& name) { return base.values(name); };
  const auto part = nn::apply_scheme(base.graph, *chosen, values);
  EXPECT_TRUE(part) << part.error().message;
  std::set<std::string> names;
  for (const graph::ValueId id : part->trainable) {
    names.insert(base.origins.at(base.graph.value(id).name).tensor);
  }
  return names;
}

TEST(OnnxBase, ThePublishedSchemeOfBertFindsItsBlocks) {
  const test::TemporaryFolder folder;
  const auto base = encoder(folder, {.blocks = 8});
  ASSERT_TRUE(base) << base.error().message;
  const std::set<std::string> names = updated(*base, "pockengine-bert");
  std::set<std::string> wanted = {"classifier.weight", "classifier.bias"};
  const std::string linear[] = {".attention.query",
                                ".attention.key",
                                ".attention.value",
                                ".attention.output",
                                ".up",
                                ".down"};
  for (int i = 2; i < 8; ++i) {
    const std::string block = fmt::format("encoder.layer.{}", i);
    for (const std::string& layer : linear) {
      wanted.insert(block + layer + ".bias");
      if (i >= 4 && layer != ".down") wanted.insert(block + layer + ".weight");
    }
    wanted.insert({block + ".norm1.bias", block + ".norm2.bias"});
  }
  EXPECT_EQ(names, wanted);
}

TEST(OnnxBase, SchemesNameLayersOfAnEncoder) {
  const test::TemporaryFolder folder;
  const auto base = encoder(folder, {});
  ASSERT_TRUE(base);
  const std::set<std::string> full = updated(*base, "full");
  EXPECT_TRUE(full.contains("embeddings.word"));
  EXPECT_TRUE(full.contains("embeddings.norm.weight"));
  EXPECT_TRUE(full.contains("pooler.weight"));
  EXPECT_FALSE(full.contains("embeddings.position"));  // taken as a constant of this length
  EXPECT_EQ(updated(*base, "head"),
            (std::set<std::string>{"classifier.weight", "classifier.bias"}));
  for (const std::string& name : updated(*base, "bias")) {
    EXPECT_TRUE(name.ends_with(".bias") || name == "classifier.weight") << name;
  }
  EXPECT_FALSE(updated(*base, "last:1").contains("encoder.layer.0.down.weight"));
  EXPECT_TRUE(updated(*base, "last:1").contains("encoder.layer.1.attention.query.weight"));
}

}  // namespace
}  // namespace verge::fit
