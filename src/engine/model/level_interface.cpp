#include <algorithm>
#include <set>

#include <verge/engine/model/level_interface.hpp>

namespace verge::model {
namespace {

using graph::Dims;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

constexpr std::string_view kLabels = "labels";  // the input that training adds

Status expect_distinct_names(const graph::Graph& graph) {
  std::set<std::string_view> names;
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::State) return make_error(Code::Malformed, "a graph with states");
    const bool is_inner = value.kind == ValueKind::Activation || value.kind == ValueKind::Const;
    if (is_inner && !value.is_output) continue;
    if (!names.insert(value.name).second) {
      return make_error(Code::Malformed, "two values are named {}", value.name);
    }
  }
  return {};
}

}  // namespace

Result<ValueId> expect_level_interface(const graph::Graph& graph, const nn::CnnConfig& config,
                                       int64_t batch) {
  VERGE_RETURN_IF_ERROR(expect_distinct_names(graph));
  const auto is_input = [](const Value& value) { return value.kind == ValueKind::Input; };
  const auto input = std::ranges::find_if(graph.values, is_input);
  if (std::ranges::count_if(graph.values, is_input) != 1) {
    return make_error(Code::Malformed, "not one input");
  }
  const Dims pictures = {batch, config.channels, config.height, config.width};
  if (input->type != graph::Type{DType::I8, pictures}) {
    return make_error(Code::Malformed, "its input is no image of the sizes that it says");
  }
  if (input->name == kLabels) return make_error(Code::Malformed, "its images are named labels");
  const auto result = std::ranges::find_if(graph.values, &Value::is_output);
  const bool is_logits = result != graph.values.end() && result->name == "logits" &&
                         result->kind == ValueKind::Activation &&
                         std::ranges::count_if(graph.values, &Value::is_output) == 1;
  if (!is_logits) return make_error(Code::Malformed, "results that are not logits alone");
  if (result->type != graph::Type{DType::F32, {batch, config.classes}}) {
    return make_error(Code::Malformed, "logits that are not {} for each image", config.classes);
  }
  return static_cast<ValueId>(input - graph.values.begin());
}

}  // namespace verge::model
