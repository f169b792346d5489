#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/delegate_body.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

constexpr std::string_view kGood =
    "graph \"region\"\n"
    "input 0 \"x\" f32 [2]\n"
    "param 1 \"w\" f32 [2]\n"
    "value 2 \"a\" f32 [2]\n"
    "value 3 \"y\" f32 [2] output\n"
    "fwd 2 = mul(0, 1)\n"
    "fwd 3 = add(2, 0)\n";

std::string refusal(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  text.replace(at, from.size(), to);
  const auto body = parse_body(text);
  return body ? "" : body.error().message;
}

TEST(DelegateBody, RunsByTheReferences) {
  const Result<Graph> body = parse_body(kGood);
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body_inputs(*body), (std::vector<ValueId>{0, 1}));
  EXPECT_EQ(body_outputs(*body), std::vector<ValueId>{3});
  const Tensor x(DType::F32, {2}), w(DType::F32, {2}), y(DType::F32, {2});
  x.span<float>()[0] = 3;
  x.span<float>()[1] = 5;
  w.span<float>()[0] = 2;
  const TensorView inputs[] = {x.view(), w.view()}, outputs[] = {y.view()};
  run_body(*body, inputs, outputs);
  EXPECT_EQ(y.span<float>()[0], 9);
  EXPECT_EQ(y.span<float>()[1], 5);
}

TEST(DelegateBody, WhatIsNoneIsRefused) {
  const std::string good(kGood);
  EXPECT_EQ(refusal(good, "param", "state"), "the body of a delegate has a state");
  EXPECT_EQ(refusal(good, "param 1 \"w\" f32 [2]", "const 1 \"w\" f32 [2] = 0x0000803f0000803f"),
            "the body of a delegate has a constant; its weights are inputs");
  EXPECT_EQ(refusal(good, " output", ""), "the body of a delegate has no output");
  EXPECT_EQ(refusal(good, "\"x\" f32 [2]", "\"x\" f32 [2] output"),
            "the body of a delegate has an output that no node computes");
  EXPECT_EQ(refusal(good, "\"w\" f32 [2]", "\"w\" f32 [2] trainable"),
            "the body of a delegate has a trainable parameter");
  EXPECT_EQ(refusal(good, "fwd 3", "bwd 3"),
            "the body of a delegate has a node that is not of the forward phase");
  EXPECT_EQ(refusal(good, "input 0", "symbol \"n\" 4\ninput 0"),
            "the body of a delegate has symbols");
  EXPECT_NE(refusal(good, "mul(0, 1)", "mul(0, 9)"), "");
  EXPECT_NE(refusal(good, "graph", "gra\0ph"), "");
}

TEST(DelegateBody, HoldsNoDelegate) {
  Node inner{find_op("delegate"), {0, 1}, {3}, {}, Phase::Forward, {}};
  inner.attrs = {{"backend", std::string("other")}, {"body", std::string(kGood)}};
  Graph body = *parse_body(kGood);
  body.nodes = {inner};
  const auto parsed = parse_body(print(body));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, "the body of a delegate has a delegate in it");
}

}  // namespace
}  // namespace verge::graph
