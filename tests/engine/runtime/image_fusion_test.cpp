// An activation within its convolution, and a ReLU within its batch norm and its gradient, give the
// bits of those behind it, for every activation, instruction set, shape and number of threads.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/trainer.hpp>

namespace verge::runtime {
namespace {

using List = std::vector<int64_t>;

constexpr int64_t kImages = 3, kChannels = 14;

// A chain of convolutions: over all channels, strided and dilated in groups, depthwise.
graph::Graph activated_convolutions(const std::string& op, const graph::Attrs& attrs) {
  graph::Builder b("cnn");
  graph::ValueId x = b.input("x", {DType::F32, {kImages, kChannels, 19, 21}});
  const auto layer = [&](int64_t groups, graph::Attrs conv) {
    conv.set("groups", groups);
    const std::string name = fmt::format("w{}", groups);
    const graph::ValueId w = b.param(name, {DType::F32, {kChannels, kChannels / groups, 3, 3}});
    const graph::ValueId bias = b.param(name + ".bias", {DType::F32, {kChannels}});
    x = b.op_all(op, {b.op("conv2d", {x, w, bias}, conv)}, attrs)[0];
  };
  layer(1, {{"pads", List{1, 1, 1, 1}}});
  layer(2, {{"strides", List{2, 1}}, {"dilations", List{1, 2}}});
  layer(kChannels, {{"pads", List{0, 1, 2, 0}}});
  b.output(x, "y");
  return *b.finish();
}

void add_random_filters(const graph::Graph& graph, WeightStore& store) {
  Rng rng(5);
  for (const graph::Value& value : graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    Tensor weights(DType::F32, graph.bound_shape(value.type));
    for (float& w : weights.span<float>()) w = 0.3f * rng.normal();
    store.add(value.name, std::move(weights));
  }
}

// One pixel is no number, which must reach the result either way.
std::vector<float> image_results(Plan& plan) {
  Rng rng(7);
  const TensorView x = plan.input("x");
  for (float& pixel : x.span<float>()) pixel = rng.normal();
  x.as<float>()[123] = NAN;
  EXPECT_TRUE(plan.run(std::span<const int64_t>()));
  const auto y = plan.output("y").span<float>();
  return {y.begin(), y.end()};
}

// The same bits; of what is no number, the sign is whatever the compiler's order of operands gives.
bool same_number(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

TEST(ImageFusion, ActivatedConvolutionsKeepTheirBits) {
  const graph::Attrs exact = {{"approximate", std::string("none")}};
  for (const auto& [op, attrs] :
       {std::pair{"relu", graph::Attrs{}}, {"silu", {}}, {"gelu", {}}, {"gelu", exact}}) {
    const graph::Graph graph = activated_convolutions(op, attrs);
    const auto fused = graph::optimize(graph);
    const auto apart = graph::optimize(graph, {.disabled = {"fuse_conv"}});
    ASSERT_TRUE(fused && apart);
    EXPECT_EQ(fused->graph.nodes.size(), 3u);
    EXPECT_EQ(apart->graph.nodes.size(), 6u);
    for (const kernels::Isa isa : kernels::kAllIsas) {
      if (isa > kernels::best_isa()) continue;
      ThreadPool pool(isa == kernels::best_isa() ? 2 : 1);
      WeightStore weights;
      StateStore states;
      add_random_filters(graph, weights);
      auto one = Plan::compile(fused->graph, weights, states, pool, {.isa = isa});
      auto two = Plan::compile(apart->graph, weights, states, pool, {.isa = isa});
      ASSERT_TRUE(one) << one.error().message;
      ASSERT_TRUE(two) << two.error().message;
      EXPECT_EQ(one->reference_nodes(), std::vector<std::string>{});
      const std::vector<float> a = image_results(*one), b = image_results(*two);
      EXPECT_TRUE(std::ranges::any_of(a, [](float v) { return std::isnan(v); }));
      EXPECT_TRUE(std::ranges::equal(a, b, same_number)) << op << " " << kernels::name(isa);
    }
  }
}

// Convolution, batch norm and ReLU twice, on planes that do not fill whole bytes of a mask.
TrainingGraph normed_classifier() {
  graph::Builder b("cnn");
  std::vector<graph::ValueId> trainable;
  const auto weight = [&](const std::string& name, graph::Dims dims) {
    trainable.push_back(b.param(name, {DType::F32, std::move(dims)}));
    b.graph().value(trainable.back()).is_trainable = true;
    return trainable.back();
  };
  graph::ValueId x = b.input("x", {DType::F32, {kImages, 2, 7, 9}});
  for (int64_t in : {2, 5}) {
    const std::string name = fmt::format("c{}", in);
    x = b.op("conv2d", {x, weight(name, {5, in, 3, 3})}, {{"pads", List{1, 1, 1, 1}}});
    x = b.op("batch_norm_live", {x, weight(name + ".scale", {5}), weight(name + ".shift", {5}),
                                 b.param(name + ".mean", {DType::F32, {5}}),
                                 b.param(name + ".var", {DType::F32, {5}})});
    x = b.op("relu", {x});
  }
  const graph::ValueId logits =
      b.op("linear", {b.op("global_avg_pool", {x}), weight("head", {4, 5})});
  const graph::ValueId loss =
      b.op("softmax_cross_entropy", {logits, b.input("labels", {DType::I32, {kImages}})});
  b.output(loss, "loss");
  return {*b.finish(), loss, trainable};
}

// Activations straight behind convolutions, one of them strided and depthwise, and two residuals.
TrainingGraph clipped_classifier() {
  graph::Builder b("cnn");
  std::vector<graph::ValueId> trainable;
  const auto weight = [&](graph::Dims dims) {
    trainable.push_back(b.param(fmt::format("w{}", trainable.size()), {DType::F32, dims}));
    b.graph().value(trainable.back()).is_trainable = true;
    return trainable.back();
  };
  const auto conv = [&](graph::ValueId x, int64_t in, int64_t kernel, graph::Attrs attrs = {}) {
    const int64_t groups = attrs.integer("groups", 1), pad = kernel / 2;
    attrs.set("pads", List{pad, pad, pad, pad});
    return b.op("conv2d", {x, weight({6, in / groups, kernel, kernel}), weight({6})}, attrs);
  };
  graph::ValueId x = b.input("x", {DType::F32, {kImages, 2, 13, 9}});
  x = b.op("relu", {conv(x, 2, 3)});
  x = b.op("clip", {conv(x, 6, 5, {{"groups", int64_t{6}}, {"strides", List{2, 2}}})},
           {{"min", 0.0}, {"max", 6.0}});
  x = b.op("relu", {b.op("add", {conv(x, 6, 3), x})});
  x = b.op("clip", {conv(b.op("add", {conv(x, 6, 1), x}), 6, 1)}, {{"min", -0.5}, {"max", 1.0}});
  x = b.op("relu", {conv(x, 6, 3)});  // whose mask stays
  const graph::ValueId logits = b.op("linear", {b.op("global_avg_pool", {x}), weight({4, 6})});
  const graph::ValueId loss =
      b.op("softmax_cross_entropy", {logits, b.input("labels", {DType::I32, {kImages}})});
  b.output(loss, "loss");
  return {*b.finish(), loss, trainable};
}

// Every parameter after three steps, the running statistics among them.
std::vector<float> trained_parameters(TrainingGraph network, int masks,
                                      const std::vector<std::string>& without, kernels::Isa isa,
                                      ThreadPool& pool, int64_t accumulate) {
  TrainerOptions options;
  options.schedule = {.peak = 0.05, .warmup = 0, .steps = 3};
  options.accumulate = accumulate;
  options.disabled_passes = without;
  options.plan.isa = isa;
  const auto fill = [](const std::string& name, const TensorView& view) {
    Rng rng(name.size());
    for (float& value : view.span<float>()) value = 0.5f * rng.normal();
  };
  auto trainer = Trainer::create(std::move(network), fill, options, pool);
  EXPECT_TRUE(trainer) << trainer.error().message;
  EXPECT_EQ((*trainer)->plan().reference_nodes(), std::vector<std::string>{});
  const auto& nodes = (*trainer)->plan().graph().nodes;
  EXPECT_EQ(std::ranges::count(nodes, std::string_view("apply_mask"),
                               [](const graph::Node& node) { return node.op->name; }),
            masks);
  Rng rng(9);
  for (int64_t step = 0; step < 3; ++step) {
    for (float& pixel : (*trainer)->input("x").span<float>()) pixel = rng.normal();
    for (int32_t& label : (*trainer)->input("labels").span<int32_t>()) {
      label = static_cast<int32_t>(rng.below(4));
    }
    (*trainer)->step();
  }
  std::vector<float> all;
  for (const auto& [name, view] : (*trainer)->parameters()) {
    all.insert(all.end(), view.as<float>(), view.as<float>() + view.shape.count());
  }
  return all;
}

TEST(ImageFusion, TrainedNormsKeepTheirBits) {
  for (const kernels::Isa isa : kernels::kAllIsas) {
    if (isa > kernels::best_isa()) continue;
    for (const int64_t accumulate : {1, 2}) {
      ThreadPool pool(isa == kernels::best_isa() ? 2 : 1);
      const auto fused = trained_parameters(normed_classifier(), 0, {}, isa, pool, accumulate);
      const auto apart =
          trained_parameters(normed_classifier(), 2, {"fuse_batch_norm"}, isa, pool, accumulate);
      ASSERT_EQ(fused.size(), apart.size());
      ASSERT_EQ(std::memcmp(fused.data(), apart.data(), fused.size() * sizeof(float)), 0)
          << kernels::name(isa) << " " << accumulate;
    }
  }
}

TEST(ImageFusion, TrainedActivationsKeepTheirBits) {
  for (const kernels::Isa isa : kernels::kAllIsas) {
    if (isa > kernels::best_isa()) continue;
    ThreadPool pool(isa == kernels::best_isa() ? 2 : 1);
    const auto fused = trained_parameters(clipped_classifier(), 1, {}, isa, pool, 1);
    const auto apart = trained_parameters(clipped_classifier(), 5,
                                          {"fuse_conv_gradient", "fuse_conv"}, isa, pool, 1);
    ASSERT_EQ(fused.size(), apart.size());
    ASSERT_EQ(std::memcmp(fused.data(), apart.data(), fused.size() * sizeof(float)), 0)
        << kernels::name(isa);
  }
}

}  // namespace
}  // namespace verge::runtime
