#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/low_rank.hpp>

#include "op_check.hpp"
#include "pass_check.hpp"

namespace verge::support {
namespace {

using graph::Builder;
using graph::Graph;
using graph::ValueId;
using List = std::vector<int64_t>;

// A 1x1 convolution, a 3x3 one and a linear head with a bias.
struct Mixed {
  Builder b{"mixed"};
  ValueId pointwise, spatial, head, loss;

  Mixed() {
    pointwise = b.param("pointwise", {DType::F64, {5, 3, 1, 1}});
    spatial = b.param("spatial", {DType::F64, {4, 5, 3, 3}});
    head = b.param("head", {DType::F64, {3, 4}});
    ValueId x = b.op("conv2d", {b.input("x", {DType::F64, {2, 3, 4, 4}}), pointwise});
    x = b.op("conv2d", {b.op("relu", {x}), spatial}, {{"pads", List{1, 1, 1, 1}}});
    x = b.op("linear", {b.op("global_avg_pool", {x}), head, b.param("bias", {DType::F64, {3}})});
    b.output(x, "logits");
    loss = b.op("softmax_cross_entropy", {x, b.input("labels", {DType::I32, {2}})});
    b.output(loss, "loss");
  }
};

TEST(LowRank, ZeroFactorsChangeNothingAndOthersAddTheirProduct) {
  Mixed model;
  const Graph plain = *model.b.finish();
  const auto result = graph::add_low_rank(plain, {model.pointwise, model.head}, {2, 6});
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_TRUE(graph::verify(result->graph)) << graph::verify(result->graph).error().message;
  EXPECT_EQ(result->graph.bound_shape(result->graph.value(result->a[0]).type), Shape({2, 3, 1, 1}));
  EXPECT_EQ(result->graph.bound_shape(result->graph.value(result->b[1]).type), Shape({3, 2}));
  GraphRunner wanted(plain), zero(result->graph), factored(result->graph);
  const auto values_of = [](const Graph& graph, const std::string& name) {
    return fixed(graph.value(graph.find(name)).type.dims).values;
  };
  std::map<std::string, std::vector<double>> shared;
  for (const char* name : {"x", "pointwise", "spatial", "head", "bias"}) {
    shared[name] = values_of(plain, name);
    wanted.set(name, shared[name]);
    zero.set(name, shared[name]);
    factored.set(name, shared[name]);
  }
  zero.set("pointwise.lora_a", values_of(result->graph, "pointwise.lora_a"));
  wanted.run();
  zero.run();
  expect_near(zero.get("logits"), wanted.get("logits"));

  // W + 6 / 2 B A, by hand.
  const auto a = values_of(result->graph, "pointwise.lora_a");
  const auto b = values_of(result->graph, "pointwise.lora_b");
  factored.set("pointwise.lora_a", a);
  factored.set("pointwise.lora_b", b);
  std::vector<double> merged = shared["pointwise"];
  for (size_t o = 0; o < 5; ++o) {
    for (size_t i = 0; i < 3; ++i) {
      for (size_t r = 0; r < 2; ++r) merged[o * 3 + i] += 3 * b[o * 2 + r] * a[r * 3 + i];
    }
  }
  wanted.set("pointwise", merged);
  wanted.run();
  factored.run();
  expect_near(factored.get("logits"), wanted.get("logits"));
}

TEST(LowRank, OnlyTheFactorsHaveGradientsAndTheyAgreeWithDifferences) {
  Mixed model;
  auto result = graph::add_low_rank(*model.b.finish(), {model.pointwise, model.head}, {2, 2});
  ASSERT_TRUE(result);
  std::vector<ValueId> factors = result->a;
  factors.insert(factors.end(), result->b.begin(), result->b.end());
  const auto joint = graph::differentiate(result->graph, model.loss, factors);
  ASSERT_TRUE(joint) << joint.error().message;
  GraphRunner runner(joint->graph);
  std::vector<std::string> names;
  for (const graph::Value& value : joint->graph.values) {
    if (value.kind == graph::ValueKind::Param || value.name == "x") {
      runner.set(value.name, fixed(value.type.dims).values);
    }
  }
  for (const ValueId id : factors) names.push_back(joint->graph.value(id).name);
  runner.set("labels", {1, 2});
  expect_gradients_agree(runner, model.loss, names, joint->gradients);
  EXPECT_EQ(count_of(joint->graph, "conv2d_grad_weight"), 2);  // of A and B
}

TEST(LowRank, RefusesWhatIsNoMatrix) {
  Mixed model;
  const auto refused = graph::add_low_rank(*model.b.finish(), {model.spatial}, {2, 2});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("reads spatial"), std::string::npos);
}

}  // namespace
}  // namespace verge::support
