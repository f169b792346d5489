// Whole-model checks of a small convolutional network.

#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Builder;
using graph::ValueId;
using List = std::vector<int64_t>;

// Convolution, live batch norm, a depthwise block with a residual, pooling, a classifier.
struct SmallCnn {
  Builder b{"cnn"};
  std::vector<ValueId> weights;
  ValueId loss = graph::kNone;

  ValueId weight(const std::string& name, graph::Dims dims) {
    weights.push_back(b.param(name, {DType::F64, std::move(dims)}));
    return weights.back();
  }

  ValueId block(ValueId x) {
    const ValueId depthwise = b.op("conv2d", {x, weight("depthwise", {4, 1, 3, 3})},
                                   {{"groups", int64_t{4}}, {"pads", List{1, 1, 1, 1}}});
    const ValueId norm =
        b.op("group_norm", {depthwise, weight("group.weight", {4}), weight("group.bias", {4})},
             {{"groups", int64_t{2}}, {"eps", 1e-5}});
    const ValueId pointwise = b.op(
        "conv2d",
        {b.op("hswish", {norm}), weight("pointwise", {4, 4, 1, 1}), weight("pointwise.bias", {4})});
    return b.op("add", {x, pointwise});
  }

  SmallCnn() {
    const ValueId image = b.input("image", {DType::F64, {2, 1, 6, 6}});
    ValueId x = b.op("conv2d", {image, weight("stem", {4, 1, 3, 3})}, {{"pads", List{1, 1, 0, 0}}});
    x = b.op("batch_norm_live",
             {x, weight("bn.weight", {4}), weight("bn.bias", {4}),
              b.state("bn.mean", {DType::F64, {4}}), b.state("bn.var", {DType::F64, {4}})},
             {{"eps", 1e-5}});
    x = b.op("max_pool2d", {b.op("relu", {x})}, {{"kernel", List{2, 2}}, {"strides", List{2, 2}}});
    x = b.op("global_avg_pool", {block(x)});
    const ValueId logits = b.op("linear", {x, weight("head", {3, 4}), weight("head.bias", {3})});
    loss = b.op("softmax_cross_entropy", {logits, b.input("labels", {DType::I32, {2}})});
  }
};

TEST(SmallCnn, GradientsAgreeWithDifferences) {
  SmallCnn model;
  auto forward = model.b.finish();
  ASSERT_TRUE(forward) << forward.error().message;
  const auto joint = graph::differentiate(std::move(*forward), model.loss, model.weights);
  ASSERT_TRUE(joint) << joint.error().message;
  GraphRunner runner(joint->graph);
  std::vector<std::string> names;
  for (ValueId id : model.weights) {
    const graph::Value& value = joint->graph.value(id);
    names.push_back(value.name);
    runner.set(value.name, fixed(value.type.dims).values);
  }
  runner.set("image", fixed({2, 1, 6, 6}).values);
  runner.set("labels", {2, 0});
  expect_gradients_agree(runner, model.loss, names, joint->gradients);
}

}  // namespace
}  // namespace verge::support
