// Gradients of operators on levels beside central differences, in double, of what the
// straight-through estimator says they are: the same arithmetic on reals, clipped, never rounded.

#include <algorithm>
#include <numeric>

#include <verge/core/rng.hpp>

#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Attrs;
using graph::Builder;
using graph::Dims;
using graph::Graph;
using graph::ValueId;
using List = std::vector<int64_t>;

constexpr DType kWide = DType::F64;
constexpr int kXZero = -20, kYZero = 11, kLow = -30, kHigh = 90;

struct LevelCase {
  std::string op;
  Dims x, second;  // weight, or the other addend
  Attrs attrs = {};
  int64_t channels = 0;  // with bias and multiplier; 0: none
};

std::vector<double> whole_numbers(const Dims& dims, int reach, uint64_t seed) {
  int64_t count = 1;
  for (const graph::Dim& dim : dims) count *= dim.factor;
  Rng rng(seed);
  std::vector<double> values;
  while (count-- > 0) values.push_back(static_cast<int>(rng.below(2u * reach + 1)) - reach);
  return values;
}

std::vector<double> multipliers(int64_t count) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(0.004f + 0.001f * static_cast<float>(i));
  return values;
}

Attrs with_range(Attrs attrs) {
  attrs.set("y_zero", int64_t{kYZero});
  attrs.set("low", int64_t{kLow});
  attrs.set("high", int64_t{kHigh});
  return attrs;
}

Attrs level_attrs(const LevelCase& c) {
  Attrs attrs = with_range(c.attrs);
  if (c.op == "add_int8") {
    attrs.set("a_zero", int64_t{kXZero});
    attrs.set("b_zero", int64_t{3});
    attrs.set("a_multiplier", 0.75);
    attrs.set("b_multiplier", 1.5);
  } else {
    attrs.set("x_zero", int64_t{kXZero});
  }
  if (c.op == "avg_pool2d_int8") attrs.set("multiplier", 1.25);
  return attrs;
}

ValueId weighted(Builder& b, ValueId y) {
  const Dims dims = b.type(y).dims;
  std::vector<int64_t> axes(dims.size());
  std::iota(axes.begin(), axes.end(), 0);
  const ValueId product = b.op("mul", {y, b.state("weights", {b.type(y).dtype, dims})});
  return b.op("reduce_sum", {product}, {{"axes", axes}});
}

// The operator on levels, with a loss by their values.
struct LevelGraph {
  Builder b{"levels"};
  std::vector<ValueId> trainable;
  ValueId loss;

  explicit LevelGraph(const LevelCase& c) {
    trainable.push_back(b.param("x", {DType::I8, c.x}));
    if (!c.second.empty()) trainable.push_back(b.param("second", {DType::I8, c.second}));
    std::vector<ValueId> inputs = trainable;
    if (c.channels > 0) {
      trainable.push_back(b.param("bias", {DType::I32, {c.channels}}));
      inputs.push_back(trainable.back());
      inputs.push_back(b.state("multiplier", {DType::F32, {c.channels}}));
    }
    const ValueId y = b.op(c.op, inputs, level_attrs(c));
    loss = weighted(b, b.op("dequantize", {y}, {{"scale", 0.5}, {"zero_point", int64_t{kYZero}}}));
  }
};

// The same on reals: y before and after it is clipped, and the loss.
struct RealGraph {
  Builder b{"reals"};
  ValueId before, loss;

  explicit RealGraph(const LevelCase& c) {
    ValueId x = less(b.param("x", {kWide, c.x}), kXZero);
    ValueId second = c.second.empty() ? graph::kNone : b.param("second", {kWide, c.second});
    if (c.op == "add_int8") {
      x = times(x, 0.75);
      before = b.op("add", {x, times(less(second, 3), 1.5)});
    } else if (c.op == "avg_pool2d_int8") {
      before = times(b.op("avg_pool2d", {x}, c.attrs), 1.25);
    } else {
      const ValueId bias = b.param("bias", {kWide, {c.channels}});
      before = b.op(c.op == "linear_int8" ? "linear" : "conv2d", {x, second, bias}, c.attrs);
      const Dims shape = c.op == "linear_int8" ? Dims{c.channels} : Dims{1, c.channels, 1, 1};
      before = b.op("mul", {before, b.state("multiplier", {kWide, shape})});
    }
    before = less(before, -kYZero);
    const ValueId y = b.op("clip", {before}, {{"min", double{kLow}}, {"max", double{kHigh}}});
    loss = weighted(b, times(less(y, kYZero), 0.5));
  }

  ValueId less(ValueId x, double by) { return b.op("sub", {x, number(by)}); }
  ValueId times(ValueId x, double by) { return b.op("mul", {x, number(by)}); }
  ValueId number(double value) {
    Tensor tensor(kWide, {});
    graph::store(tensor.view(), {value});
    return b.constant("number", std::move(tensor));
  }
};

void fill(GraphRunner& runner, const LevelCase& c, const Dims& y, uint64_t seed) {
  runner.set("x", whole_numbers(c.x, 100, seed));
  if (!c.second.empty()) runner.set("second", whole_numbers(c.second, 60, seed + 1));
  if (c.channels > 0) {
    runner.set("bias", whole_numbers({c.channels}, 3000, seed + 2));
    runner.set("multiplier", multipliers(c.channels));
  }
  runner.set("weights", whole_numbers(y, 5, seed + 3));
}

// No value so close to an end of the range that rounding could decide; some inside, some clipped.
bool is_clear(const std::vector<double>& before) {
  size_t clipped = 0;
  for (const double v : before) {
    if (std::abs(v - kLow) < 0.75 || std::abs(v - kHigh) < 0.75) return false;
    clipped += v < kLow || v > kHigh;
  }
  return clipped > 0 && clipped < before.size();
}

std::vector<double> slopes(GraphRunner& runner, ValueId loss, const std::string& parameter) {
  constexpr double kStep = 1e-4;
  const std::vector<double> at = runner.get(parameter);
  std::vector<double> slopes;
  for (size_t i = 0; i < at.size(); ++i) {
    double losses[2];
    for (int side = 0; side < 2; ++side) {
      std::vector<double> moved = at;
      moved[i] += side == 0 ? kStep : -kStep;
      runner.set(parameter, moved);
      runner.run();
      losses[side] = runner.get(loss)[0];
    }
    slopes.push_back((losses[0] - losses[1]) / (2 * kStep));
  }
  runner.set(parameter, at);
  return slopes;
}

void expect_straight_through(const LevelCase& c) {
  SCOPED_TRACE(c.op);
  RealGraph real(c);
  LevelGraph level(c);
  const Dims y = real.b.type(real.before).dims;
  const Graph real_graph = *real.b.finish();
  const auto joint = graph::differentiate(*level.b.finish(), level.loss, level.trainable);
  ASSERT_TRUE(joint) << joint.error().message;
  GraphRunner reals(real_graph), levels(joint->graph);
  uint64_t seed = 1;
  for (; seed < 4000; ++seed) {
    fill(reals, c, y, seed);
    reals.run();
    if (is_clear(reals.get(real.before))) break;
  }
  ASSERT_LT(seed, 4000u);
  fill(levels, c, y, seed);
  levels.run();
  for (size_t i = 0; i < level.trainable.size(); ++i) {
    const std::string name = joint->graph.value(level.trainable[i]).name;
    SCOPED_TRACE(name);
    expect_near(levels.get(joint->gradients[i]), slopes(reals, real.loss, name), 1e-5);
  }
}

TEST(LevelGradient, OfConvolutions) {
  expect_straight_through({"conv2d_int8",
                           {2, 3, 4, 3},
                           {2, 3, 3, 2},
                           {{"strides", List{2, 1}}, {"pads", List{1, 0, 1, 1}}},
                           2});
  expect_straight_through({"conv2d_int8",
                           {1, 4, 3, 3},
                           {4, 1, 3, 3},
                           {{"pads", List{1, 1, 1, 1}}, {"groups", int64_t{4}}},
                           4});
  expect_straight_through({"conv2d_int8", {1, 4, 2, 2}, {4, 2, 1, 1}, {{"groups", int64_t{2}}}, 4});
}

TEST(LevelGradient, OfProducts) {
  expect_straight_through({"linear_int8", {3, 5}, {4, 5}, {}, 4});
}

TEST(LevelGradient, OfSumsAndMeans) {
  expect_straight_through({"add_int8", {1, 2, 2, 2}, {1, 2, 2, 2}});
  expect_straight_through(
      {"avg_pool2d_int8", {1, 2, 4, 4}, {}, {{"kernel", List{2, 2}}, {"strides", List{2, 2}}}});
}

// What is kept for a gradient: a bit an element of the result, levels of x for the weight alone.
TEST(LevelGradient, KeepsBitsAndLevels) {
  const LevelCase c = {"conv2d_int8", {1, 4, 8, 8}, {4, 4, 1, 1}, {}, 4};
  LevelGraph level(c);
  const auto joint =
      graph::differentiate(*level.b.finish(), level.loss, {level.trainable[0], level.trainable[2]});
  ASSERT_TRUE(joint);
  for (const graph::Node& node : joint->graph.nodes) {
    if (node.phase == graph::Phase::Forward) continue;
    for (const ValueId id : node.inputs) {
      if (id == graph::kNone) continue;
      const graph::Value& value = joint->graph.value(id);
      EXPECT_FALSE(value.kind == graph::ValueKind::Activation && value.type.dtype == DType::I8)
          << node.op->name;
    }
  }
}

TEST(LevelGradient, OfChannelsIsThatOfTheWhole) {
  const LevelCase c = {"conv2d_int8", {2, 4, 3, 3}, {3, 4, 3, 3}, {{"pads", List{1, 1, 1, 1}}}, 3};
  LevelGraph level(c);
  const Graph forward = *level.b.finish();
  const ValueId w = level.trainable[1];
  const auto whole = graph::differentiate(forward, level.loss, {w});
  const auto part = graph::differentiate(forward, level.loss, {w}, {{w, {1, {1, 3}}}});
  ASSERT_TRUE(whole);
  ASSERT_TRUE(part);
  GraphRunner wholes(whole->graph), parts(part->graph);
  for (GraphRunner* runner : {&wholes, &parts}) {
    fill(*runner, c, {2, 3, 3, 3}, 5);
    runner->run();
  }
  std::vector<double> wanted;
  const std::vector<double> all = wholes.get(whole->gradients[0]);
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t channel = i / 9 % 4;
    if (channel == 1 || channel == 3) wanted.push_back(all[i]);
  }
  expect_near(parts.get(part->gradients[0]), wanted);
}

TEST(LevelGradient, OtherLayoutsAreRefused) {
  Builder b("nhwc");
  const ValueId x = b.param("x", {DType::I8, {1, 3, 3, 2}});
  const ValueId y = b.op(
      "conv2d_int8",
      {x, b.param("w", {DType::I8, {2, 2, 1, 1}}), graph::kNone, b.param("m", {DType::F32, {2}})},
      {{"layout", std::string("nhwc")}});
  const ValueId loss = weighted(b, b.op("dequantize", {y}, {{"scale", 1.0}}));
  const auto joint = graph::differentiate(*b.finish(), loss, {x});
  ASSERT_FALSE(joint);
  EXPECT_NE(joint.error().message.find("channels come last"), std::string::npos);
}

}  // namespace
}  // namespace verge::support
