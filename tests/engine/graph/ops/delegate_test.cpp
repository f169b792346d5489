#include "op_check.hpp"

namespace verge::graph {
namespace {

const std::string kBody =
    "graph \"region\"\n"
    "input 0 \"x\" f32 [2, 3]\n"
    "param 1 \"w\" f32 [3]\n"
    "value 2 \"a\" f32 [2, 3] output\n"
    "value 3 \"y\" f32 [2, 3] output\n"
    "fwd 2 = mul(0, 1)\n"
    "fwd 3 = relu(2)\n";

std::string one_output() {
  std::string text = kBody;
  text.replace(text.find(" output"), 7, "");
  const size_t relu = text.find("fwd 3");
  return text.substr(0, relu) + "fwd 3 = scale(2) {factor=2.0}\n";
}

const std::vector<Type> kTypes = {{DType::F32, {2, 3}}, {DType::F32, {3}}};

Attrs attrs_with(const std::string& body) {
  return {{"backend", std::string("device")}, {"body", body}};
}

TEST(Delegate, HasTheInputsAndOutputsOfItsBody) {
  EXPECT_EQ(support::inferred("delegate", kTypes, attrs_with(one_output())), "f32 [2, 3]");
  support::expect_refused("delegate", {kTypes[0]}, attrs_with(one_output()),
                          "its body has 2 inputs, the node has 1");
  support::expect_refused("delegate", {kTypes[0], {DType::F32, {4}}}, attrs_with(one_output()),
                          "input 1 is f32 [4], its body needs f32 [3]");
  support::expect_refused("delegate", kTypes, attrs_with("graph \"x\""), "no output");
  support::expect_refused("delegate", kTypes, attrs_with("nonsense"), "graph text, line 1");
  support::expect_refused("delegate", kTypes, {{"body", one_output()}}, "no backend is named");
}

TEST(Delegate, RunsItsBody) {
  support::expect_values("delegate",
                         {support::given({2, 3}, {1, 2, 3, 4, 5, 6}, DType::F32),
                          support::given({3}, {1, 0, -1}, DType::F32)},
                         attrs_with(one_output()), {2, 0, -6, 8, 0, -12});
}

TEST(Delegate, CostsWhatItsBodyCosts) {
  const Tensor x(DType::F32, {2, 3}), w(DType::F32, {3}), y(DType::F32, {2, 3});
  const TensorView inputs[] = {x.view(), w.view()}, outputs[] = {y.view()};
  const Attrs attrs = attrs_with(one_output());
  EXPECT_EQ(cost_of(*find_op("delegate"), {inputs, outputs, attrs}).flops, 12);
}

}  // namespace
}  // namespace verge::graph
