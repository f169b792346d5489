#include <verge/engine/graph/passes/choose_layout.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;
using support::expect_same_results;
using Ints = std::vector<int64_t>;

bool is_conversion(const Node& node) {
  return node.op->name == "block_channels" || node.op->name == "unblock_channels";
}
bool has_blocks(const Graph& graph, const Node& node) {
  return graph.value(node.inputs[0]).type.dims.size() == 5 ||
         graph.value(node.outputs[0]).type.dims.size() == 5;
}

/// Blocks take half the time, a conversion takes `conversion`.
NodeSeconds faster_blocks(double conversion) {
  return [=](const Graph& graph, const Node& node) {
    return is_conversion(node) ? conversion : has_blocks(graph, node) ? 1e-3 : 2e-3;
  };
}

ValueId conv(Builder& b, ValueId x, int64_t out, int64_t kernel, int64_t groups = 1) {
  const int64_t in = b.type(x).dims[1].factor / groups, pad = kernel / 2;
  const std::string name = fmt::format("w{}", b.graph().nodes.size());
  return b.op("conv2d", {x, b.param(name, {DType::F32, {out, in, kernel, kernel}})},
              {{"pads", Ints{pad, pad, pad, pad}}, {"groups", groups}});
}

// A stem on colours, a residual block, a pool, a head.
Graph small_network() {
  Builder b("net");
  ValueId x = conv(b, b.input("x", {DType::F32, {2, 3, 8, 8}}), 20, 3);
  x = b.op("relu", {x});
  x = b.op("add", {x, conv(b, conv(b, x, 20, 3, 20), 20, 1)});
  x = b.op_all("max_pool2d", {x}, {{"kernel", Ints{2, 2}}, {"strides", Ints{2, 2}}})[0];
  b.output(b.op("global_avg_pool", {x}), "y");
  return dead_code(*b.finish());
}

TEST(ChooseLayout, WithoutTimesNothingChanges) {
  const Graph graph = small_network();
  EXPECT_EQ(choose_layout(graph, {}).nodes.size(), graph.nodes.size());
}

TEST(ChooseLayout, AFasterLayoutIsTakenFromEndToEnd) {
  const Graph before = small_network(), after = choose_layout(before, faster_blocks(1e-4));
  expect_same_results(before, after);
  EXPECT_EQ(count_of(after, "conv2d_blocked"), 3);
  EXPECT_EQ(count_of(after, "global_avg_pool_blocked"), 1);
  // The stem reads colours plane by plane, the head gives no image: nothing is converted.
  EXPECT_EQ(after.nodes.size(), before.nodes.size());
}

TEST(ChooseLayout, ConversionsAreWorthTheirTimeOrNotMade) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {1, 16, 6, 6}});
  b.output(b.op("relu", {conv(b, x, 16, 1)}), "y");
  const Graph before = dead_code(*b.finish());
  for (const bool pays : {true, false}) {
    const Graph after = choose_layout(before, faster_blocks(pays ? 0.9e-3 : 1.1e-3));
    expect_same_results(before, after);
    EXPECT_EQ(count_of(after, "block_channels"), pays);
    EXPECT_EQ(count_of(after, "unblock_channels"), pays);
  }
}

TEST(ChooseLayout, AValueIsConvertedOnceForAllItsReaders) {
  Builder b("net");
  const ValueId x = conv(b, b.input("x", {DType::F32, {1, 3, 6, 6}}), 20, 3);
  for (const char* name : {"a", "b", "c"}) {
    b.output(b.op("reduce_mean", {x}, {{"axes", Ints{3}}}), name);
  }
  b.output(b.op("global_avg_pool", {conv(b, x, 20, 1)}), "d");
  const Graph before = *b.finish(), after = choose_layout(before, faster_blocks(0.5e-3));
  expect_same_results(before, after);
  EXPECT_EQ(count_of(after, "conv2d_blocked"), 2);
  EXPECT_EQ(count_of(after, "unblock_channels"), 1);
}

// A convolution of three channels reads them plane by plane, and its residual in blocks: both, here
// of one value.
TEST(ChooseLayout, AReaderOfBothLayoutsCostsTheConversion) {
  Builder b("net");
  const ValueId x = conv(b, b.input("x", {DType::F32, {1, 3, 6, 6}}), 3, 3);
  const ValueId w = b.param("w", {DType::F32, {3, 3, 1, 1}});
  b.output(b.op("global_avg_pool", {b.op("conv2d", {x, w, kNone, x})}), "y");
  const Graph before = *b.finish();
  for (const bool pays : {true, false}) {
    const Graph after = choose_layout(before, faster_blocks(pays ? 2.5e-3 : 3.5e-3));
    expect_same_results(before, after);
    EXPECT_EQ(count_of(after, "conv2d_blocked"), pays ? 2 : 0);
    EXPECT_EQ(count_of(after, "unblock_channels"), pays ? 1 : 0);
  }
}

TEST(ChooseLayout, ResultsOfTheGraphStayPlain) {
  Builder b("net");
  const ValueId x = conv(b, b.input("x", {DType::F32, {1, 3, 6, 6}}), 20, 3);
  b.output(x, "y");
  b.output(conv(b, x, 10, 1), "z");
  const Graph before = *b.finish(), after = choose_layout(before, faster_blocks(1e-5));
  expect_same_results(before, after);
  EXPECT_EQ(count_of(after, "unblock_channels"), 2);
}

// Draws a network of all operators that have a form in blocks, and of one that has none.
Graph random_network(Rng& rng) {
  Builder b("net");
  std::vector<ValueId> images = {b.input("x", {DType::F32, {2, 1 + rng.below(20), 6, 5}})};
  for (int i = 0; i < 12; ++i) {
    const ValueId x = images[rng.below(static_cast<uint32_t>(images.size()))];
    const ValueId other = images[rng.below(static_cast<uint32_t>(images.size()))];
    const int64_t channels = b.type(x).dims[1].factor;
    ValueId y = kNone;
    switch (rng.below(8)) {
      case 0:
        y = conv(b, x, 1 + rng.below(40), 1 + 2 * rng.below(2));
        break;
      case 1:
        y = conv(b, x, channels, 3, channels);
        break;
      case 2:
        y = b.op("relu", {x});
        break;
      case 3:
        y = b.op(b.type(x) == b.type(other) ? "add" : "hswish",
                 b.type(x) == b.type(other) ? std::vector{x, other} : std::vector{x});
        break;
      case 4:
        y = b.op("concat", {x, other}, {{"axis", int64_t{1}}});
        break;
      case 5:
        y = b.op("avg_pool2d", {x}, {{"kernel", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}});
        break;
      case 6:
        y = b.op_all("max_pool2d", {x}, {{"kernel", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}})[0];
        break;
      default:
        y = b.op("softmax", {x});
        break;
    }
    images.push_back(y);
  }
  b.output(images.back(), "y");
  b.output(b.op("global_avg_pool", {images[6]}), "z");
  return dead_code(*b.finish());
}

TEST(ChooseLayout, AnyLayoutGivesTheSameNumbers) {
  int64_t in_blocks = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Rng rng(seed);
    const Graph before = random_network(rng);
    const NodeSeconds seconds = [&](const Graph&, const Node& node) {
      return rng.uniform() * (is_conversion(node) ? 2e-4 : 1e-3);
    };
    const Graph after = choose_layout(before, seconds);
    SCOPED_TRACE(seed);
    expect_same_results(before, after);
    in_blocks += count_of(after, "conv2d_blocked") + count_of(after, "pool2d_blocked");
  }
  EXPECT_GT(in_blocks, 20);
}

TEST(ChooseLayout, TimesBeyondReasonAreNoneTheLess) {
  const Graph before = small_network();
  const Graph after = choose_layout(before, [](const Graph& graph, const Node& node) {
    return has_blocks(graph, node) ? 1e-3 : 1e300;
  });
  EXPECT_EQ(count_of(after, "conv2d_blocked"), 3);
}

TEST(ChooseLayout, EstimatesKnowFullBlocks) {
  Builder b("net");
  const ValueId wide = b.input("wide", {DType::F32, {1, 64, 28, 28}});
  const ValueId narrow = b.input("narrow", {DType::F32, {1, 8, 28, 28}});
  b.output(b.op("global_avg_pool", {conv(b, conv(b, wide, 64, 3), 64, 3)}), "a");
  b.output(b.op("global_avg_pool", {conv(b, conv(b, narrow, 5, 3), 5, 3)}), "b");
  const Graph after = choose_layout(*b.finish(), estimated_seconds);
  EXPECT_EQ(count_of(after, "conv2d_blocked"), 2);
  EXPECT_EQ(count_of(after, "conv2d"), 2);
}

}  // namespace
}  // namespace verge::graph
