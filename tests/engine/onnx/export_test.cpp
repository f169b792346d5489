#include <gtest/gtest.h>
#include <onnx_cases.hpp>

#include <verge/engine/format/onnx/writer.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/onnx/export.hpp>

#include "graph_runner.hpp"

namespace verge::onnx {
namespace {

using format::onnx::ElementType;
using nlohmann::json;

std::string exported_bytes(const Network& network) {
  const auto model = export_onnx(network);
  EXPECT_TRUE(model) << model.error().message;
  std::string bytes;
  if (!model) return bytes;
  const Status status =
      format::onnx::write_onnx_to(*model, [&](std::span<const std::byte> portion) {
        bytes.append(reinterpret_cast<const char*>(portion.data()), portion.size());
        return Status();
      });
  EXPECT_TRUE(status);
  return bytes;
}

// The outputs by the references of all operators.
std::vector<std::vector<double>> run(const Network& network,
                                     const std::map<std::string, std::vector<double>>& inputs) {
  support::GraphRunner runner(network.graph);
  for (const Weight& weight : network.weights) runner.set(weight.name, graph::load(weight.view));
  for (const Port& port : network.inputs) {
    if (port.known == nullptr) runner.set(port.value, inputs.at(port.name));
  }
  runner.run();
  std::vector<std::vector<double>> outputs;
  for (const Port& port : network.outputs) {
    outputs.push_back(port.known != nullptr ? graph::load(port.known->view())
                                            : runner.get(port.value));
  }
  return outputs;
}

void expect_same(const std::vector<double>& wanted, const std::vector<double>& found) {
  ASSERT_EQ(wanted.size(), found.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (std::isnan(wanted[i])) {
      EXPECT_TRUE(std::isnan(found[i]));
    } else if (wanted[i] != found[i]) {
      EXPECT_NEAR(wanted[i], found[i], 1e-5 * (1 + std::abs(wanted[i]))) << i;
    }
  }
}

// A Graph has rows for all boxes, not as many as are selected; minima and maxima are of opset 18.
bool cannot_be_said(const json& entry) {
  const auto name = entry["name"].get<std::string>();
  return name.starts_with("NonMaxSuppression") || name == "ScatterElements min" ||
         name == "ScatterElements max";
}

void expect_round_trip(const json& entry) {
  SCOPED_TRACE(entry["name"].get<std::string>());
  const std::string bytes = test::onnx_case_file(entry);
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value();
  std::vector<InputBinding> bindings;
  std::map<std::string, std::vector<double>> inputs;
  for (const json& input : entry["inputs"]) {
    const Tensor tensor = test::onnx_case_tensor(input);
    bindings.push_back({input["name"], tensor.shape(), std::nullopt});
    inputs[input["name"]] = graph::load(tensor.view());
  }
  const auto network = import_onnx(file, bindings);
  ASSERT_TRUE(network) << network.error().message;
  if (cannot_be_said(entry)) {
    EXPECT_EQ(export_onnx(*network).error().code, Code::Unsupported);
    return;
  }
  const std::string copy = exported_bytes(*network);
  const auto again = format::onnx::Onnx::parse(test::onnx_bytes(copy));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->model().opset, 17);
  const auto second = import_onnx(*again, {});
  ASSERT_TRUE(second) << second.error().message;
  const auto wanted = run(*network, inputs), found = run(*second, inputs);
  ASSERT_EQ(wanted.size(), found.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(network->outputs[i].name, second->outputs[i].name);
    EXPECT_EQ(network->outputs[i].type, second->outputs[i].type);
    EXPECT_EQ(network->outputs[i].shape, second->outputs[i].shape);
    expect_same(wanted[i], found[i]);
  }
}

TEST(OnnxExport, EveryImportedOperatorComesBackAsItWas) {
  for (const json& entry : test::onnx_cases()) expect_round_trip(entry);
}

// What passes make of a network is said with several nodes of ONNX.
TEST(OnnxExport, FusedOperators) {
  graph::Builder b("fused");
  const graph::ValueId x = b.input("x", {DType::F32, {1, 2, 3, 3}});
  Tensor weight(DType::F32, {2, 2, 1, 1});
  std::ranges::copy(std::vector<float>{0.5f, -1, 2, 0.25f}, weight.span<float>().begin());
  const graph::ValueId w = b.constant("w", std::move(weight));
  graph::ValueId y = b.op("conv2d", {x, w, graph::kNone, x},
                          {{"activation", "hswish"}, {"activate_sum", int64_t{1}}});
  y = b.op("conv2d", {y, w, graph::kNone, x},
           {{"activation", "gelu"}, {"factor", 0.5}, {"offset", 1.0}});
  y = b.op("conv2d", {y, w}, {{"activation", "gelu_erf"}});
  for (const char* activation : {"relu6", "silu", "sigmoid", "hsigmoid"}) {
    y = b.op("conv2d", {y, w}, {{"activation", activation}});
  }
  y = b.op("softcap", {b.op("rms_norm", {y})}, {{"cap", 2.0}});
  b.output(b.op("rsqrt", {b.op("scale", {y}, {{"factor", 0.1}, {"offset", 1.0}})}), "y");
  Network network;
  network.graph = b.finish().value();
  const Shape shape{1, 2, 3, 3};
  network.inputs = {{"x", ElementType::Float, shape, "x", nullptr}};
  network.outputs = {{"y", ElementType::Float, shape, "y", nullptr}};
  const std::string bytes = exported_bytes(network);
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value();
  const auto again = import_onnx(file, {});
  ASSERT_TRUE(again) << again.error().message;
  std::vector<double> values;
  for (int i = 0; i < 18; ++i) values.push_back(i / 4.0 - 2);
  expect_same(run(network, {{"x", values}})[0], run(*again, {{"x", values}})[0]);
}

TEST(OnnxExport, KeepsSymbolsAndMetadata) {
  graph::Builder b("net");
  const graph::SymbolId batch = b.symbol("batch", 8);
  const graph::ValueId x = b.input("x", {DType::F32, {graph::Dim(1, batch), 4}});
  b.output(b.op("relu", {x}), "y");
  Network network;
  network.graph = b.finish().value();
  network.inputs = {{"x", ElementType::Float, Shape{8, 4}, "x", nullptr}};
  network.outputs = {{"y", ElementType::Float, Shape{8, 4}, "y", nullptr}};
  const auto model = export_onnx(network, {{"labels", "cat,dog"}});
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->graph.inputs[0].dims[0].symbol, "batch");
  EXPECT_EQ(model->graph.outputs[0].dims[1].value, 4);
  EXPECT_EQ(model->metadata[0].second, "cat,dog");
}

// The Graph of a file holds its integers as reals, which ONNX has no Gather for.
TEST(OnnxExport, GatherReadsIntegers) {
  graph::Builder b("net");
  const graph::ValueId x = b.input("x", {DType::F32, {4}});
  const graph::ValueId at = b.input("at", {DType::F64, {2}});
  b.output(b.op("gather", {x, at}, {{"axis", int64_t{0}}}), "y");
  Network network;
  network.graph = b.finish().value();
  network.inputs = {{"x", ElementType::Float, Shape{4}, "x", nullptr},
                    {"at", ElementType::Double, Shape{2}, "at", nullptr}};
  network.outputs = {{"y", ElementType::Float, Shape{2}, "y", nullptr}};
  const auto model = export_onnx(network);
  ASSERT_TRUE(model) << model.error().message;
  const auto& nodes = model->graph.nodes;
  ASSERT_EQ(nodes.size(), 2u);
  ASSERT_EQ(nodes[0].op_type, "Cast");
  EXPECT_EQ(nodes[0].find("to")->integer, static_cast<int64_t>(ElementType::Int64));
  EXPECT_EQ(nodes[1].inputs[1], nodes[0].outputs[0]);
}

// An output that is a weight is a copy of it: the weight has a name of its own.
TEST(OnnxExport, AWeightMayBeAnOutput) {
  graph::Builder b("net");
  const graph::ValueId x = b.input("x", {DType::F32, {2}});
  const graph::ValueId w = b.param("w", {DType::F32, {2}});
  b.output(b.op("add", {x, w}), "y");
  Tensor weight(DType::F32, {2});
  std::ranges::copy(std::vector<float>{3, 4}, weight.span<float>().begin());
  Network network;
  network.graph = b.finish().value();
  network.weights = {{"w", weight.view(), nullptr}};
  network.inputs = {{"x", ElementType::Float, Shape{2}, "x", nullptr}};
  network.outputs = {{"y", ElementType::Float, Shape{2}, "y", nullptr},
                     {"kept", ElementType::Float, Shape{2}, "w", nullptr}};
  const auto model = export_onnx(network);
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_EQ(model->graph.initializers.size(), 1u);
  EXPECT_NE(model->graph.initializers[0].name, "kept");
  const std::string bytes = exported_bytes(network);
  const auto again = import_onnx(format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value(), {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(run(*again, {{"x", {1, 1}}}), (std::vector<std::vector<double>>{{4, 5}, {3, 4}}));
}

TEST(OnnxExport, ListsAllOperatorsThatOnnxLacks) {
  graph::Builder b("net");
  const graph::ValueId x = b.input("x", {DType::F32, {4, 8}});
  b.source("layer 1");
  const graph::ValueId y = b.op("swiglu", {x, x});
  b.source("layer 2");
  b.output(b.op("l2_norm", {b.op("swiglu", {y, x})}), "y");
  Network network;
  network.graph = b.finish().value();
  const auto model = export_onnx(network);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().message,
            "ONNX has no operator for l2_norm: 1 node, the first in \"layer 2\"; swiglu: 2 nodes, "
            "the first in \"layer 1\"");
}

}  // namespace
}  // namespace verge::onnx
