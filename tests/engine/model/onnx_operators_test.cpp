// Each operator of ONNX in a small network, against results that ONNX Runtime gave
// (onnx_cases.hpp).

#include <cmath>

#include <gtest/gtest.h>
#include <onnx_cases.hpp>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/model/onnx_network.hpp>

namespace verge::model {
namespace {

using nlohmann::json;

constexpr double kTolerance = 1e-4;

void expect_output(const json& wanted, const onnx::Port& port, const Tensor& found) {
  EXPECT_EQ(port.name, wanted["name"].get<std::string>());
  EXPECT_EQ(format::onnx::name(port.type), wanted["type"].get<std::string>());
  const auto dims = wanted["dims"].get<std::vector<int64_t>>();
  ASSERT_EQ(found.shape(), Shape(std::span<const int64_t>(dims))) << found.shape().str();
  const std::vector<double> values = graph::load(found.view());
  for (size_t i = 0; i < values.size(); ++i) {
    const double expected = test::onnx_case_number(wanted["values"][i]);
    EXPECT_NEAR(values[i], expected, kTolerance * std::max(1.0, std::abs(expected))) << "at " << i;
  }
}

void run_case(const json& entry, ThreadPool& pool) {
  SCOPED_TRACE(entry["name"].get<std::string>());
  const std::string bytes = test::onnx_case_file(entry);
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes));
  ASSERT_TRUE(file) << file.error().message;
  std::vector<onnx::InputBinding> bindings;
  std::vector<Tensor> given;
  for (const json& input : entry["inputs"]) {
    given.push_back(test::onnx_case_tensor(input));
    bindings.push_back({input["name"], given.back().shape(), std::nullopt});
  }
  auto network = OnnxNetwork::compile(*file, bindings, pool, {.canaries = true});
  ASSERT_TRUE(network) << network.error().message;
  for (size_t i = 0; i < given.size(); ++i) {
    const Status set = network->set_input(bindings[i].name, given[i].view());
    ASSERT_TRUE(set) << set.error().message;
  }
  network->run();
  ASSERT_EQ(network->outputs().size(), entry["outputs"].size());
  for (size_t i = 0; i < entry["outputs"].size(); ++i) {
    expect_output(entry["outputs"][i], network->outputs()[i], network->output(i));
  }
}

TEST(OnnxOperators, AgreeWithOnnxRuntime) {
  const json cases = test::onnx_cases();
  ASSERT_GT(cases.size(), 100u);
  ThreadPool pool(2);
  for (const json& entry : cases) run_case(entry, pool);
}

// Integers of 8 bits; `is_wide`: the largest ones, whose sums f32 cannot hold.
json integers(const char* name, const char* type, const std::vector<int64_t>& dims, bool is_wide) {
  int64_t count = 1;
  for (const int64_t extent : dims) count *= extent;
  const bool is_signed = std::string_view(type) == "int8";
  json values = json::array();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t most = is_signed ? 127 : 255;
    values.push_back(is_wide ? most - (i % 97 == 5 ? 1 : 0) : i * 37 % 23 - (is_signed ? 11 : 0));
  }
  return {{"name", name}, {"type", type}, {"dims", dims}, {"values", values}};
}

std::vector<double> sums_of(const char* op, const json& x, const json& w, bool is_constant,
                            json attributes = json::object()) {
  json entry = {{"name", op},
                {"opset", 13},
                {"nodes", {{{"op", op}, {"inputs", {"x", "w"}}, {"outputs", {"y"}}}}},
                {"outputs", {{{"name", "y"}}}}};
  entry["nodes"][0]["attrs"] = std::move(attributes);
  entry["inputs"] = is_constant ? json::array({x}) : json::array({x, w});
  if (is_constant) entry["constants"] = json::array({w});
  const std::string bytes = test::onnx_case_file(entry);
  ThreadPool pool(1);
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value();
  std::vector<onnx::InputBinding> bindings;
  for (const json& input : entry["inputs"]) {
    bindings.push_back({input["name"], test::onnx_case_tensor(input).shape(), std::nullopt});
  }
  auto network = OnnxNetwork::compile(file, bindings, pool, {});
  EXPECT_TRUE(network) << network.error().message;
  for (const json& input : entry["inputs"]) {
    EXPECT_TRUE(
        network->set_input(input["name"].get<std::string>(), test::onnx_case_tensor(input).view()));
  }
  network->run();
  return graph::load(network->output(0).view());
}

// 2^24 and more: every one of them, not the nearest that f32 holds.
TEST(OnnxOperators, SumsOfIntegersAreExact) {
  constexpr int64_t kRows = 2, kTerms = 1023, kColumns = 3;
  for (const bool is_wide : {true, false}) {
    const json x = integers("x", "uint8", {kRows, kTerms}, is_wide),
               w = integers("w", "int8", {kTerms, kColumns}, is_wide);
    std::vector<double> wanted(kRows * kColumns);
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t i = 0; i < kTerms * kColumns; ++i) {
        const auto at = static_cast<size_t>(row * kTerms + i / kColumns);
        wanted[static_cast<size_t>(row * kColumns + i % kColumns)] +=
            x["values"][at].get<double>() * w["values"][static_cast<size_t>(i)].get<double>();
      }
    }
    EXPECT_EQ(wanted[0] > 0x1p24, is_wide);
    for (const bool is_constant : {true, false}) {
      EXPECT_EQ(sums_of("MatMulInteger", x, w, is_constant), wanted) << is_wide << is_constant;
    }
  }
}

TEST(OnnxOperators, ConvolutionsOfIntegersAreExact) {
  constexpr int64_t kChannels = 200, kSide = 5, kTaps = 9;
  for (const int64_t groups : {1, 2}) {
    const int64_t in_group = kChannels / groups;
    const json x = integers("x", "uint8", {1, kChannels, kSide, kSide}, true),
               w = integers("w", "int8", {2, in_group, 3, 3}, true);
    std::vector<double> wanted(2 * kTaps);  // 3 x 3 results of each
    for (int64_t i = 0; i < 2 * kTaps * in_group * kTaps; ++i) {
      const int64_t tap = i % kTaps, in = i / kTaps % in_group, at = i / kTaps / in_group;
      const int64_t out = at / kTaps, place = at % kTaps;
      const int64_t row = place / 3 + tap / 3, column = place % 3 + tap % 3;
      const int64_t channel = out * (groups - 1) * in_group + in;
      wanted[static_cast<size_t>(at)] +=
          x["values"][static_cast<size_t>((channel * kSide + row) * kSide + column)].get<double>() *
          w["values"][static_cast<size_t>((out * in_group + in) * kTaps + tap)].get<double>();
    }
    EXPECT_GT(wanted[0], 0x1p24);
    for (const bool is_constant : {true, false}) {
      EXPECT_EQ(sums_of("ConvInteger", x, w, is_constant, {{"group", {{"i", groups}}}}), wanted)
          << groups << is_constant;
    }
  }
}

}  // namespace
}  // namespace verge::model
