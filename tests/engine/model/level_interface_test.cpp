#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/model/classifier.hpp>
#include <verge/engine/model/level_interface.hpp>

#include "temporary_folder.hpp"

namespace verge::model {
namespace {

using graph::Builder;
using graph::Dims;
using graph::Graph;
using graph::ValueId;

constexpr int64_t kClasses = 3;

nn::CnnConfig one_layer_config() {
  return {.channels = 1, .height = 4, .width = 5, .classes = kClasses};
}

struct Names {
  std::string images = "images", weight = "weight", logits = "logits";
};

// A convolution of levels with a kernel of the pictures' size, at batch 1.
Graph one_layer(const Names& names = {}) {
  Builder b("one layer");
  const ValueId w = b.param(names.weight, {DType::I8, {kClasses, 1, 4, 5}});
  const ValueId bias = b.param("bias", {DType::I32, {kClasses}});
  const ValueId multiplier = b.param("multiplier", {DType::F32, {kClasses}});
  const ValueId x = b.input(names.images, {DType::I8, {1, 1, 4, 5}});
  ValueId y = b.op("conv2d_int8", {x, w, bias, multiplier});
  y = b.op("reshape", {y}, graph::dims_attrs({1, kClasses}));
  b.output(b.op("dequantize", {y}, {{"scale", 0.5}}), names.logits);
  return *b.finish();
}

Graph without_images() {
  Builder b("logits of a weight");
  b.input("images", {DType::I8, {1, 1, 4, 5}});
  const ValueId w = b.param("weight", {DType::I8, {1, kClasses}});
  b.output(b.op("dequantize", {w}, {{"scale", 0.5}}), "logits");
  return *b.finish();
}

void expect_refused(const Graph& graph, const std::string& what) {
  const auto refused = expect_level_interface(graph, one_layer_config(), 1);
  ASSERT_FALSE(refused) << what;
  EXPECT_EQ(refused.error().code, Code::Malformed);
  EXPECT_NE(refused.error().message.find(what), std::string::npos) << refused.error().message;
}

TEST(LevelInterface, IsTheInputItself) {
  const Graph graph = one_layer();
  const auto images = expect_level_interface(graph, one_layer_config(), 1);
  ASSERT_TRUE(images) << images.error().message;
  EXPECT_EQ(graph.value(*images).kind, graph::ValueKind::Input);
  EXPECT_FALSE(expect_level_interface(graph, one_layer_config(), 2));
}

TEST(LevelInterface, NamesAreOfOneValue) {
  expect_refused(one_layer({.images = "x", .weight = "x"}), "two values are named x");
  expect_refused(one_layer({.weight = "bias"}), "two values are named bias");
  expect_refused(one_layer({.weight = "logits"}), "two values are named logits");
  expect_refused(one_layer({.images = "labels"}), "labels");
}

TEST(LevelInterface, LogitsAreTheOnlyResult) {
  expect_refused(one_layer({.logits = "answers"}), "logits");
  Graph graph = one_layer();
  graph.value(graph.find("logits")).is_output = false;
  expect_refused(graph, "logits");
  graph = one_layer({.weight = "logits", .logits = "answers"});
  graph.values.back().is_output = false;
  expect_refused(graph, "logits");
  graph = one_layer();
  graph.values[graph.values.size() - 2].is_output = true;
  expect_refused(graph, "alone");
}

// The file of one of these graphs, whatever its graph.
std::string written(const test::TemporaryFolder& folder, const Graph& graph) {
  LevelFile file{};
  file.graph = graph;
  file.network.config = one_layer_config();
  for (const graph::Value& value : graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    const auto owner =
        std::make_shared<const Tensor>(value.type.dtype, graph.bound_shape(value.type));
    file.weights[value.name] = {owner->view(), owner};
  }
  const std::string path = folder / "net.safetensors";
  EXPECT_TRUE(write_level_file(path, file, {}));
  return path;
}

TEST(LevelInterface, FilesAreReadByIt) {
  const test::TemporaryFolder folder;
  EXPECT_TRUE(Classifier::open(written(folder, one_layer({.images = "x"}))));
  // A Param before the input of that name, which a Classifier would have looked up.
  const std::string path = written(folder, one_layer({.images = "bias"}));
  const auto refused = Classifier::open(path);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(path), std::string::npos);
  EXPECT_NE(refused.error().message.find("two values are named bias"), std::string::npos);
}

// Logits that the images do not reach stay of one row at any batch.
TEST(LevelInterface, LogitsFollowTheBatch) {
  const test::TemporaryFolder folder;
  const std::string path = written(folder, without_images());
  const auto classifier = Classifier::open(path);
  ASSERT_TRUE(classifier) << classifier.error().message;
  ThreadPool pool(1);
  const auto running = classifier->compile(4, pool);
  ASSERT_FALSE(running);
  EXPECT_NE(running.error().message.find(path), std::string::npos);
  EXPECT_EQ(read_level_file(path, 4).error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::model
