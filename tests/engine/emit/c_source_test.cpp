#include <numeric>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>

#include "c_check.hpp"

namespace verge::emit {
namespace {

using List = std::vector<int64_t>;

// A convolution, a depthwise block with a residual, pools and a classifier.
struct Cnn {
  graph::Builder b{"cnn"};
  std::vector<graph::ValueId> weights;

  graph::ValueId weight(const char* name, graph::Dims dims) {
    weights.push_back(b.param(name, {DType::F32, std::move(dims)}));
    return weights.back();
  }

  graph::ValueId logits(graph::ValueId image) {
    b.source("stem");
    graph::ValueId x =
        b.op("conv2d", {image, weight("stem", {8, 1, 3, 3})}, {{"pads", List{1, 1, 1, 1}}});
    x = b.op("max_pool2d", {b.op("relu", {x})}, {{"kernel", List{2, 2}}, {"strides", List{2, 2}}});
    b.source("block */ \" \\ ?\?/");
    const auto depthwise = b.op("conv2d", {x, weight("depthwise", {8, 1, 3, 3})},
                                {{"groups", int64_t{8}}, {"pads", List{1, 1, 1, 1}}});
    x = b.op("add",
             {x, b.op("conv2d", {b.op("relu", {depthwise}), weight("point", {8, 8, 1, 1})})});
    b.source("head");
    return b.op("linear",
                {b.op("global_avg_pool", {x}), weight("head", {5, 8}), weight("head.bias", {5})});
  }
};

TEST(CSource, OfANetworkCompilesEverywhereAndGivesItsResults) {
  Cnn cnn;
  const auto logits = cnn.logits(cnn.b.input("image 1", {DType::F32, {2, 1, 12, 12}}));
  cnn.b.output(cnn.b.op("softmax", {logits}), "probabilities");
  cnn.b.output(logits, "logits");
  auto graph = cnn.b.finish();
  ASSERT_TRUE(graph) << graph.error().message;
  auto optimized = graph::optimize(std::move(*graph), {.disabled = passes_without_c()});
  ASSERT_TRUE(optimized) << optimized.error().message;
  CCheck check(std::move(optimized->graph));
  check.expect_equal(1e-5, 1, true);
  const auto source = check.emit();
  EXPECT_EQ(source->source.find("malloc"), std::string::npos);
  EXPECT_EQ(source->source.find("op_matmul"), std::string::npos);  // nothing that is not used
  EXPECT_NE(source->header.find("in_image_1: float [2, 1, 12, 12]"), std::string::npos);
}

TEST(CSource, OfATrainingStepLearnsAsTheReferencesDo) {
  for (const auto kind : {graph::OptimizerKind::Sgd, graph::OptimizerKind::AdamW}) {
    Cnn cnn;
    const auto logits = cnn.logits(cnn.b.input("images", {DType::F32, {4, 1, 12, 12}}));
    const auto loss =
        cnn.b.op("softmax_cross_entropy", {logits, cnn.b.input("labels", {DType::I32, {4}})});
    cnn.b.output(loss, "loss");
    auto forward = cnn.b.finish();
    ASSERT_TRUE(forward) << forward.error().message;
    auto joint = graph::differentiate(std::move(*forward), loss, cnn.weights);
    ASSERT_TRUE(joint) << joint.error().message;
    auto step = graph::add_updates(std::move(*joint), cnn.weights, {.kind = kind});
    ASSERT_TRUE(step) << step.error().message;
    auto optimized = graph::optimize(std::move(*step), {.disabled = passes_without_c()});
    ASSERT_TRUE(optimized) << optimized.error().message;
    CCheck check(std::move(optimized->graph),
                 {{"labels", {0, 3, 1, 4}}, {"lr", {0.05}}, {"step", {1}}});
    check.expect_equal(1e-4, 3, true);
  }
}

TEST(CSource, OperatorsThatShareTheirCodeStandTogether) {
  graph::Builder b("shared");
  auto x = b.op("relu", {b.input("x", {DType::F32, {4, 6}})});
  x = b.op("transpose", {x}, {{"perm", List{1, 0}}});
  x = b.op("slice", {x}, {{"axis", int64_t{0}}, {"start", int64_t{1}}, {"size", int64_t{3}}});
  x = b.op("clip", {x}, {{"min", 0.1}, {"max", 0.5}});
  b.output(b.op("gelu", {b.op("silu", {x})}), "y");
  auto graph = b.finish();
  ASSERT_TRUE(graph) << graph.error().message;
  CCheck(std::move(*graph)).expect_equal();
}

TEST(CSource, NamesEveryNodeThatHasNoC) {
  graph::Builder b("odd");
  const auto x = b.input("x", {DType::I8, {2, 8}});
  const graph::Attrs scales{{"a_multiplier", 1.0}, {"b_multiplier", 1.0}};
  b.source("blk.0");
  const auto sum = b.op("add_int8", {x, x}, scales);
  b.source("blk.1");
  b.output(b.op("add_int8", {sum, x}, scales), "y");
  const auto source = emit_c(*b.finish(), {}, {});
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, Code::Unsupported);
  EXPECT_EQ(source.error().message,
            "2 of 2 nodes have no C:\n  add_int8 (blk.0): there is no C for this operator\n"
            "  add_int8 (blk.1): there is no C for this operator");
}

TEST(CSource, RefusesNullPointers) {
  graph::Builder b("one");
  b.output(b.op("exp", {b.input("x", {DType::F32, {4}})}), "y");
  const auto source = emit_c(*b.finish(), {}, {.name = "net", .origin = "a test"});
  ASSERT_TRUE(source) << source.error().message;
  CModule module(*source);
  float x[4] = {}, y[4];
  EXPECT_EQ(module.call({nullptr}, {y}), -1);
  EXPECT_EQ(module.call({x}, {y}), 0);
  EXPECT_EQ(y[3], 1);
  EXPECT_STREQ(module.inputs()[0].name, "x");
  EXPECT_EQ(module.outputs()[0].bytes, 16);
}

TEST(CSource, RefusesElementsOutOfTheirRange) {
  graph::Builder b("rows");
  b.output(b.op("embedding",
                {b.param("table", {DType::F32, {4, 2}}), b.input("my.ids", {DType::I32, {3}})}),
           "y");
  Tensor table(DType::F32, {4, 2});
  std::iota(table.span<float>().begin(), table.span<float>().end(), 0.0f);
  const auto source = emit_c(*b.finish(), [&](std::string_view) { return table.view(); },
                             {.name = "net", .ranges = {{"my.ids", 4}}, .note = "   A note.\n"});
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_NE(source->header.find("#define NET_MY_IDS_END 4 "), std::string::npos);
  EXPECT_NE(source->header.find("\n   A note.\n"), std::string::npos);
  CModule module(*source, true);
  std::vector<float> y(6, -1);
  for (const int32_t bad : {-1, 4}) {
    const int32_t ids[] = {0, 1, bad};
    EXPECT_EQ(module.call({ids}, {y.data()}), -1);
    EXPECT_EQ(y, std::vector<float>(6, -1));
  }
  const int32_t ids[] = {3, 0, 1};
  EXPECT_EQ(module.call({ids}, {y.data()}), 0);
  EXPECT_EQ(y, (std::vector<float>{6, 7, 0, 1, 2, 3}));
}

}  // namespace
}  // namespace verge::emit
