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

}  // namespace
}  // namespace verge::model
