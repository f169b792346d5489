#include <algorithm>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/backends/int8_dsp/int8_dsp.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/fuse_expand_depthwise.hpp>
#include <verge/engine/graph/passes/partition.hpp>
#include <verge/engine/graph/passes/reorder.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::backends {
namespace {

using graph::Attrs;
using graph::Builder;
using graph::ValueId;
using List = std::vector<int64_t>;

constexpr int64_t kRoom = int64_t{4} << 20;

ValueId product(Builder& b, const char* op, ValueId x, const char* name, graph::Dims w,
                Attrs attrs) {
  b.source(name);
  const graph::Dims out = {w[0]};
  return b.op(op,
              {x, b.param(fmt::format("{}.w", name), {DType::I8, std::move(w)}),
               b.param(fmt::format("{}.bias", name), {DType::I32, out}),
               b.param(fmt::format("{}.factor", name), {DType::F32, out})},
              std::move(attrs));
}

// A residual block of levels between quantize and dequantize, and a softmax.
graph::Graph quantized_network() {
  Builder b("quantized");
  const Attrs same = {
      {"to", std::string("u8")}, {"pads", List{1, 1, 1, 1}}, {"x_zero", int64_t{7}}};
  const ValueId x = b.input("x", {DType::F32, {2, 3, 9, 7}});
  const Attrs steps = {{"to", std::string("u8")}, {"scale", 0.01}, {"zero_point", int64_t{7}}};
  const ValueId levels = b.op("quantize", {x}, steps);
  const ValueId first = product(b, "conv2d_int8", levels, "c1", {16, 3, 3, 3}, same);
  const ValueId second = product(b, "conv2d_int8", first, "c2", {16, 16, 3, 3}, same);
  const ValueId sum =
      b.op("add_int8", {first, second},
           {{"to", std::string("u8")}, {"a_multiplier", 0.4}, {"b_multiplier", 0.7}});
  const ValueId mean =
      b.op("avg_pool2d_int8", {sum},
           {{"to", std::string("u8")}, {"kernel", List{9, 7}}, {"multiplier", 0.03}});
  const ValueId flat = b.op("reshape", {mean}, {{"dims", List{2, 16}}, {"symbols", List{-1, -1}}});
  const ValueId scores =
      product(b, "linear_int8", flat, "fc", {10, 16}, {{"to", std::string("i8")}});
  b.output(b.op("softmax", {b.op("dequantize", {scores}, {{"scale", 0.05}})}), "y");
  return *b.finish();
}

// Squeeze and excite behind a hard swish, as levels: a table, and a product by channel.
graph::Graph gated_network() {
  Builder b("gated");
  const Attrs u8 = {{"to", std::string("u8")}};
  const Attrs near = {{"to", std::string("u8")}, {"pads", List{1, 1, 1, 1}}};
  const ValueId x = b.input("x", {DType::F32, {2, 3, 24, 20}});
  const ValueId levels = b.op("quantize", {x}, {{"to", std::string("u8")}, {"scale", 0.01}});
  const ValueId sums = product(b, "conv2d_int8", levels, "c1", {16, 3, 3, 3}, near);
  const ValueId swish = b.op("lookup_int8", {sums, b.param("table", {DType::U8, {256}})});
  Attrs pool = u8;
  pool.set("kernel", List{24, 20});
  pool.set("multiplier", 0.002);
  const ValueId mean = b.op("avg_pool2d_int8", {swish}, pool);
  const ValueId gate = product(b, "conv2d_int8", mean, "c2", {16, 16, 1, 1}, u8);
  Attrs by_channel = u8;
  by_channel.set("multiplier", 0.008);
  const ValueId gated = b.op("mul_int8", {swish, gate}, by_channel);
  b.output(b.op("dequantize", {gated}, {{"scale", 0.05}}), "y");
  return *b.finish();
}

// A narrow image, a wide one that is never stored, a narrow one.
graph::Graph inverted_network() {
  Builder b("inverted");
  const ValueId x = b.input("x", {DType::F32, {1, 8, 24, 20}});
  const ValueId levels = b.op("quantize", {x}, {{"scale", 0.02}});
  const auto wide = product(b, "conv2d_int8", levels, "c1", {24, 8, 1, 1}, {});
  const Attrs by_channel = {{"groups", int64_t{24}}, {"pads", List{1, 1, 1, 1}}};
  const auto deep = product(b, "conv2d_int8", wide, "c2", {24, 1, 3, 3}, by_channel);
  const auto y = product(b, "conv2d_int8", deep, "c3", {8, 24, 1, 1}, {});
  b.output(b.op("dequantize", {y}, {{"scale", 0.05}}), "y");
  return graph::fuse_expand_depthwise(*b.finish());
}

struct Outcome {
  std::vector<float> y;
  Error error{Code::Internal, ""};
};

Outcome run(const graph::Graph& graph, const runtime::Backends& backends,
            const graph::Graph& original = quantized_network()) {
  runtime::WeightStore weights;
  runtime::StateStore states;
  ThreadPool pool(2);
  Rng rng(17);
  for (const graph::Value& value : original.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    Tensor tensor(value.type.dtype, original.bound_shape(value.type));
    for (int64_t i = 0; i < tensor.shape().count(); ++i) {
      const auto at = static_cast<size_t>(i);
      if (tensor.dtype() == DType::I8) {
        tensor.span<int8_t>()[at] = static_cast<int8_t>(static_cast<int>(rng.below(255)) - 127);
      } else if (tensor.dtype() == DType::U8) {
        tensor.span<uint8_t>()[at] = static_cast<uint8_t>(rng.below(256));
      } else if (tensor.dtype() == DType::I32) {
        tensor.span<int32_t>()[at] = static_cast<int32_t>(rng.below(4000)) - 1000;
      } else {
        tensor.span<float>()[at] = static_cast<float>(rng.uniform() * 0.004 + 0.001);
      }
    }
    weights.add(value.name, std::move(tensor));
  }
  auto plan = runtime::Plan::compile(graph, weights, states, pool,
                                     {.canaries = true, .backends = backends});
  if (!plan) return {{}, plan.error()};
  for (float& value : plan->input("x").span<float>()) value = static_cast<float>(rng.uniform() * 2);
  plan->run({});
  plan->run({});
  const auto y = plan->output("y").span<float>();
  return {{y.begin(), y.end()}};
}

TEST(Int8Dsp, RunsAllButFloatsAndIsRightToTheBit) {
  const graph::Graph graph = quantized_network();
  auto dsp = make_int8_dsp(kRoom);
  graph::PartitionReport report;
  graph::Graph shared = graph::reorder(graph::partition(graph, *dsp, &report));
  ASSERT_EQ(report.regions.size(), 1U);
  EXPECT_EQ(report.regions[0].nodes.size(), 6U);
  EXPECT_EQ(report.copies(), 2);
  EXPECT_EQ(report.regions[0].bytes_to, 2 * 3 * 9 * 7);
  EXPECT_EQ(report.regions[0].bytes_from, 2 * 10);
  std::vector<std::string> stayed;
  for (const auto& node : report.stayed) stayed.push_back(node.node.substr(0, node.node.find(' ')));
  EXPECT_EQ(stayed, (std::vector<std::string>{"quantize", "dequantize", "softmax"}));
  const Outcome wanted = run(graph, {}), found = run(shared, {dsp});
  ASSERT_FALSE(wanted.y.empty()) << wanted.error.message;
  EXPECT_EQ(wanted.y, found.y) << found.error.message;
  EXPECT_GT(std::ranges::max(wanted.y) - std::ranges::min(wanted.y), 1e-3);  // it says something
}

// All between quantize and dequantize.
TEST(Int8Dsp, OperatorsOfLevelsAreItsOwn) {
  for (const graph::Graph& graph : {gated_network(), inverted_network()}) {
    SCOPED_TRACE(graph.name);
    auto dsp = make_int8_dsp(kRoom);
    graph::PartitionReport report;
    const graph::Graph shared = graph::reorder(graph::partition(graph, *dsp, &report));
    ASSERT_EQ(report.regions.size(), 1U);
    EXPECT_EQ(report.regions[0].nodes.size(), graph.nodes.size() - 2);
    EXPECT_EQ(report.stayed.size(), 2U);
    const Outcome wanted = run(graph, {}, graph), found = run(shared, {dsp}, graph);
    ASSERT_FALSE(wanted.y.empty()) << wanted.error.message;
    EXPECT_EQ(wanted.y, found.y) << found.error.message;
    EXPECT_GT(std::ranges::max(wanted.y) - std::ranges::min(wanted.y), 1);
  }
}

TEST(Int8Dsp, NamesAllThatItRefusesOfANode) {
  graph::PartitionReport report;
  graph::partition(quantized_network(), *make_int8_dsp(kRoom), &report);
  ASSERT_EQ(report.stayed.size(), 3U);
  EXPECT_EQ(report.stayed[0].reasons,
            (std::vector<std::string>{"the device has no quantize",
                                      "x is f32; the device has i8, u8 and i32"}));
  EXPECT_EQ(report.stayed[2].reasons.size(), 3U);  // the operator, its input and its output
}

TEST(Int8Dsp, ASmallMemoryTakesAPartAndIsStillRight) {
  const graph::Graph graph = quantized_network();
  const Outcome wanted = run(graph, {});
  size_t before = 0;
  for (const int64_t bytes : {1 << 10, 8 << 10, 16 << 10, 64 << 10}) {
    SCOPED_TRACE(bytes);
    auto dsp = make_int8_dsp(bytes);
    graph::PartitionReport report;
    const graph::Graph shared = graph::reorder(graph::partition(graph, *dsp, &report));
    int64_t taken = 0;
    for (const auto& region : report.regions) taken += region.memory_bytes;
    EXPECT_LE(taken, bytes);
    EXPECT_GE(report.delegated_nodes(), before);
    before = report.delegated_nodes();
    const Outcome found = run(shared, {dsp});
    EXPECT_EQ(wanted.y, found.y) << found.error.message;
  }
  EXPECT_EQ(before, 6U);
}

TEST(Int8Dsp, APlanForALargerDeviceIsRefused) {
  const graph::Graph shared = graph::partition(quantized_network(), *make_int8_dsp(kRoom));
  const Outcome found = run(shared, {make_int8_dsp(1024)});
  EXPECT_EQ(found.error.code, Code::OutOfMemory);
  EXPECT_NE(found.error.message.find("of int8-dsp's memory; 1024 of 1024 are left"),
            std::string::npos)
      << found.error.message;
}

TEST(Int8Dsp, MemoryIsGivenBackWithThePlan) {
  auto dsp = make_int8_dsp(64 << 10);
  const graph::Graph shared = graph::partition(quantized_network(), *dsp);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(run(shared, {dsp}).y.empty());
}

}  // namespace
}  // namespace verge::backends
