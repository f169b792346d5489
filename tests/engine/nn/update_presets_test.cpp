#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/nn/cnn.hpp>
#include <verge/engine/nn/lm_training.hpp>
#include <verge/engine/nn/update_scheme.hpp>

namespace verge::nn {
namespace {

// So many 1x1 convolutions with biases and a head.
graph::Graph long_network(int convolutions) {
  graph::Builder b("long");
  graph::ValueId x = b.input("x", {DType::F32, {1, 8, 2, 2}});
  for (int i = 0; i < convolutions; ++i) {
    x = b.op("conv2d", {x, b.param(fmt::format("conv.{}", i), {DType::F32, {8, 8, 1, 1}}),
                        b.param(fmt::format("bias.{}", i), {DType::F32, {8}})});
  }
  b.op("linear", {b.op("global_avg_pool", {x}), b.param("head", {DType::F32, {3, 8}})});
  return *b.finish();
}

TEST(UpdatePresets, BlocksFromTheEnd) {
  const graph::Graph graph = long_network(4);
  EXPECT_TRUE(preset_scheme("head", graph)->layers.empty());
  const UpdateScheme last = *preset_scheme("last:2", graph);
  EXPECT_EQ(last.layers.size(), 2u);
  EXPECT_EQ(last.layers.at("conv.3").kind, UpdateKind::Full);
  EXPECT_EQ(last.layers.at("conv.2").kind, UpdateKind::Full);
  EXPECT_EQ(preset_scheme("bias", graph)->layers.at("conv.0").kind, UpdateKind::Bias);
  EXPECT_EQ(preset_scheme("full", graph)->layers.size(), 5u);
}

TEST(UpdatePresets, PublishedSchemesCountConvolutions) {
  const graph::Graph graph = long_network(42);
  const UpdateScheme scheme = *preset_scheme("mcunet-99KB", graph);
  EXPECT_EQ(scheme.layers.at("conv.20").kind, UpdateKind::Bias);  // the last 22
  EXPECT_FALSE(scheme.layers.contains("conv.19"));
  EXPECT_EQ(scheme.layers.at("conv.36"),
            (LayerUpdate{.kind = UpdateKind::Channels, .ratio = 0.125}));
  EXPECT_EQ(scheme.layers.at("conv.21").ratio, 1);
  EXPECT_EQ(preset_scheme("mcunet-49KB", graph)->layers.at("conv.24").ratio, 0.25);
  EXPECT_EQ(preset_scheme("mcunet-148KB", graph)->layers.at("conv.39").ratio, 0.5);
  EXPECT_EQ(preset_scheme("mobilenetv2-99KB", long_network(52))->layers.at("conv.48").ratio, 1);
  EXPECT_NE(preset_scheme("mobilenetv2-99KB", graph).error().message.find("at least 49"),
            std::string::npos);
}

TEST(UpdatePresets, LowRankAndWhatIsNoScheme) {
  const graph::Graph graph = long_network(1);
  EXPECT_EQ(preset_scheme("lora:8", graph)->lora->alpha, 16);
  EXPECT_EQ(preset_scheme("lora:8:4", graph)->lora->alpha, 4);
  for (const char* name : {"lora:", "lora:0", "lora:8:x", "lora:8:inf", "lora:9223372036854775807",
                           "last:", "last:x", "biases", ""}) {
    EXPECT_EQ(preset_scheme(name, graph).error().code, Code::InvalidArgument) << name;
  }
}

}  // namespace
}  // namespace verge::nn
