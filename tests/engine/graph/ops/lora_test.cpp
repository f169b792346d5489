#include "op_check.hpp"

namespace verge::support {
namespace {

const graph::Dim kTokens(1, 0);

// Three adapters of rank 2 between 3 and 4 columns.
std::vector<graph::Type> types() {
  return {{DType::F32, {kTokens, 3}}, {DType::F32, {kTokens, 4}}, {DType::BF16, {3, 2, 3}},
          {DType::BF16, {3, 2, 4}},   {DType::I32, {kTokens}},    {DType::F32, {3}},
          {DType::I32, {3}}};
}

TEST(Lora, ShapeRule) {
  EXPECT_EQ(inferred("lora", types()), "f32 [n, 4]");
  const auto refused = [](size_t input, graph::Type type, std::string_view part) {
    std::vector<graph::Type> wrong = types();
    wrong[input] = std::move(type);
    expect_refused("lora", wrong, {}, part);
  };
  refused(0, {DType::F32, {kTokens, 5}}, "x has extent 5 along axis 1 instead of 3");
  refused(1, {DType::F32, {kTokens, 5}}, "y is [n, 5]");
  refused(3, {DType::F32, {2, 2, 4}}, "b has extent 2 along axis 0 instead of 3");
  refused(3, {DType::F32, {3, 4, 4}}, "b has extent 4 along axis 1 instead of 2");
  refused(4, {DType::F32, {kTokens}}, "adapter_of_token is");
  refused(4, {DType::I32, {3}}, "adapter_of_token is");
  refused(5, {DType::F32, {4}}, "scales is");
  refused(6, {DType::I32, {4}}, "ranks is");
}

TEST(Lora, AddsEachRowsOwnAdapter) {
  const Operand x = given({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Operand y = given({4, 1}, {100, 200, 300, 400});
  const Operand a = given({2, 2, 2}, {1, 0, 0, 1, 2, 2, 50, 50});
  const Operand b = given({2, 2, 1}, {1, 10, 3, 50});
  const Operand ids = integers({4}, {0, 1, -1, 0});
  const Operand scales = given({2}, {1, 0.5}), ranks = integers({2}, {2, 1});  // 50s are padding
  // row 0: 1 + 10 * 2; row 1: 0.5 * 3 * 14; row 3: 7 + 10 * 8
  expect_values("lora", {x, y, a, b, ids, scales, ranks}, {}, {121, 221, 300, 487});
  expect_values("lora", {x, absent(), a, b, ids, scales, ranks}, {}, {21, 21, 0, 87});
}

TEST(Lora, Gradient) {
  const Operand a = fixed({3, 2, 4}), b = fixed({3, 2, 5}), scales = fixed({3});
  const Operand ids = integers({4}, {2, -1, 0, 2}), ranks = integers({3}, {2, 0, 1});
  expect_gradient("lora", {trained({4, 4}), trained({4, 5}), a, b, ids, scales, ranks});
}

TEST(Lora, AdaptersAreNotTrained) {
  graph::Builder b("train");
  std::vector<graph::ValueId> inputs;
  for (const graph::Type& type :
       {graph::Type{DType::F32, {2, 3}}, graph::Type{DType::F32, {2, 4}},
        graph::Type{DType::F32, {1, 2, 3}}, graph::Type{DType::F32, {1, 2, 4}},
        graph::Type{DType::I32, {2}}, graph::Type{DType::F32, {1}}, graph::Type{DType::I32, {1}}}) {
    inputs.push_back(b.param(fmt::format("p{}", inputs.size()), type));
  }
  b.graph().value(inputs[2]).is_trainable = true;
  const graph::ValueId y = b.op("lora", inputs);
  const graph::ValueId loss =
      b.op("reduce_sum", {y}, {{"axes", std::vector<int64_t>{0, 1}}, {"keep", int64_t{0}}});
  b.output(loss, "loss");
  const auto joint = graph::differentiate(*b.finish(), loss, {inputs[2]});
  ASSERT_FALSE(joint.ok());
  EXPECT_NE(joint.error().message.find("not trained"), std::string::npos);
}

}  // namespace
}  // namespace verge::support
