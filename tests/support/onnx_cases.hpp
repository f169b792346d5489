#pragma once
// Small networks of one operator each, with what ONNX Runtime makes of them: the entries of
// tests/engine/onnx/captured_cases.json, written by bench/peers/onnx/capture_cases.mjs.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <onnx_writer.hpp>
#include <paths.hpp>

#include <verge/core/tensor.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::test {

/// An element type as the cases name it, as ONNX numbers it, and as a tensor holds it.
struct OnnxCaseKind {
  const char* name;
  int number;
  DType dtype;
};
inline constexpr OnnxCaseKind kOnnxCaseKinds[] = {
    {"float32", 1, DType::F32}, {"int64", 7, DType::I64}, {"bool", 9, DType::U8},
    {"uint8", 2, DType::U8},    {"int32", 6, DType::I32}, {"int8", 3, DType::I8}};

inline const OnnxCaseKind& onnx_case_kind(const nlohmann::json& tensor) {
  const auto name = tensor["type"].get<std::string>();
  return *std::ranges::find_if(kOnnxCaseKinds, [&](const auto& kind) { return name == kind.name; });
}

inline double onnx_case_number(const nlohmann::json& value) {
  if (!value.is_string()) return value.get<double>();
  const auto text = value.get<std::string>();
  return text == "NaN" ? NAN : std::stod(text);
}

inline Tensor onnx_case_tensor(const nlohmann::json& tensor) {
  const auto dims = tensor["dims"].get<std::vector<int64_t>>();
  Tensor made(onnx_case_kind(tensor).dtype, Shape(std::span<const int64_t>(dims)));
  std::vector<double> values;
  for (const nlohmann::json& value : tensor["values"]) values.push_back(onnx_case_number(value));
  if (made.dtype() == DType::I64) {  // which has values beyond doubles
    for (size_t i = 0; i < values.size(); ++i) {
      made.span<int64_t>()[i] =
          tensor["values"][i].is_string() ? INT64_MAX : std::llround(values[i]);
    }
  } else {
    graph::store(made.view(), values);
  }
  return made;
}

inline OnnxMessage onnx_case_constant(const nlohmann::json& constant) {
  const Tensor tensor = onnx_case_tensor(constant);
  OnnxMessage message;
  for (int64_t extent : tensor.shape().extents()) message.integer(1, extent);
  message.integer(2, onnx_case_kind(constant).number).text(8, constant["name"].get<std::string>());
  message.text(9, {tensor.view().as<const char>(), static_cast<size_t>(tensor.view().bytes())});
  return message;
}

inline OnnxMessage onnx_case_graph(const nlohmann::json& entry);

inline OnnxMessage onnx_case_attribute(const std::string& name, const nlohmann::json& value) {
  OnnxMessage message;
  message.text(1, name);
  const std::string kind = value.begin().key();
  const nlohmann::json& given = value.begin().value();
  if (kind == "i") message.integer(3, given.get<int64_t>()).integer(20, 2);
  if (kind == "f") message.real(2, given.get<float>()).integer(20, 1);
  if (kind == "s") message.text(4, given.get<std::string>()).integer(20, 3);
  if (kind == "t") message.message(5, onnx_case_constant(given)).integer(20, 4);
  if (kind == "g") message.message(6, onnx_case_graph(given)).integer(20, 5);
  if (kind == "is") {
    for (const nlohmann::json& number : given) message.integer(8, number.get<int64_t>());
    message.integer(20, 7);
  }
  return message;
}

inline OnnxMessage onnx_case_graph(const nlohmann::json& entry) {
  OnnxParts parts;
  for (const nlohmann::json& node : entry["nodes"]) {
    std::vector<OnnxMessage> attributes;
    if (node.contains("attrs")) {
      for (const auto& [name, value] : node["attrs"].items()) {
        attributes.push_back(onnx_case_attribute(name, value));
      }
    }
    parts.nodes.push_back(
        onnx_node(node["op"].get<std::string>(), node["inputs"], node["outputs"], attributes));
  }
  for (const nlohmann::json& constant : entry.value("constants", nlohmann::json::array())) {
    parts.constants.push_back(onnx_case_constant(constant));
  }
  for (const nlohmann::json& input : entry.value("inputs", nlohmann::json::array())) {
    parts.inputs.push_back(
        onnx_value(input["name"].get<std::string>(), onnx_case_kind(input).number, input["dims"]));
  }
  for (const nlohmann::json& output : entry["outputs"]) {
    parts.outputs.push_back(onnx_value(output["name"].get<std::string>(), 1, {}));
  }
  return parts.graph();
}

inline std::string onnx_case_file(const nlohmann::json& entry) {
  OnnxMessage model;
  model.integer(1, 8).message(7, onnx_case_graph(entry));
  model.message(8, OnnxMessage().text(1, "").integer(2, entry["opset"].get<int64_t>()));
  return model.bytes();
}

inline nlohmann::json onnx_cases() {
  std::ifstream in(source_file("tests/engine/onnx/captured_cases.json"));
  return nlohmann::json::parse(in);
}

}  // namespace verge::test
