#include <algorithm>
#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/text_form.hpp>
#include <verge/engine/model/level_file.hpp>
#include <verge/engine/model/level_interface.hpp>
#include <verge/engine/runtime/tensor_record.hpp>

namespace verge::model {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;
using nlohmann::ordered_json;

constexpr std::string_view kLevels = "levels", kGraph = "verge.levels.graph",
                           kInput = "verge.levels.input", kScales = "verge.levels.scales";

constexpr std::string_view kOperators[] = {
    "add_int8", "avg_pool2d_int8", "conv2d_int8", "dequantize", "linear", "max_pool2d", "reshape"};

// Finite reals, and biases that a sum still has room beside.
bool holds_numbers(const TensorView& view) {
  if (view.dtype == DType::I8) return true;
  const bool is_bias = view.dtype == DType::I32;
  return std::ranges::all_of(graph::load(view), [&](double value) {
    return std::isfinite(value) && (!is_bias || std::abs(value) <= graph::kMostSum);
  });
}

std::string_view metadata_of(const format::Safetensors& file, std::string_view key) {
  for (const auto& [name, value] : file.metadata()) {
    if (name == key) return value;
  }
  return {};
}

class Reader {
 public:
  Reader(const format::Safetensors& file, const std::string& path) : file_(file), path_(path) {}

  Result<LevelFile> read(int64_t batch) {
    VERGE_TRY(result_.network, read_facts(file_, path_));
    auto parsed = graph::parse(metadata_of(file_, kGraph));
    if (!parsed) return damaged(fmt::format("its graph: {}", parsed.error().message));
    VERGE_RETURN_IF_ERROR(check_operators(*parsed));
    auto batched = with_batch(*parsed, batch);
    if (!batched) return damaged(fmt::format("its graph: {}", batched.error().message));
    result_.graph = std::move(*batched);
    VERGE_RETURN_IF_ERROR(read_interface(batch));
    VERGE_RETURN_IF_ERROR(read_input());
    VERGE_RETURN_IF_ERROR(read_weights());
    VERGE_RETURN_IF_ERROR(read_scales());
    return std::move(result_);
  }

 private:
  Error damaged(std::string_view what) const {
    return make_error(Code::Malformed, "{}: {}; make it anew by `verge compile --train --int8`",
                      path_, what);
  }

  // Of what nn::to_levels makes alone.
  Status check_operators(const Graph& graph) const {
    for (const graph::Node& node : graph.nodes) {
      if (std::ranges::count(kOperators, node.op->name) > 0) continue;
      return damaged(
          fmt::format("its graph: {} ({}) is of no network of levels", node.op->name, node.source));
    }
    return {};
  }

  Status read_interface(int64_t batch) {
    const auto images = expect_level_interface(result_.graph, result_.network.config, batch);
    if (!images) return damaged(images.error().message);
    result_.images = result_.graph.value(*images).name;
    return {};
  }

  Status read_input() {
    const std::string_view text = metadata_of(file_, kInput);
    const char* end = text.data() + text.size();
    const auto [at, scale_error] = std::from_chars(text.data(), end, result_.input.scale);
    if (scale_error != std::errc() || at == end) return damaged("no scale of its input");
    const auto [last, zero_error] = std::from_chars(at + 1, end, result_.input.zero);
    const bool is_level = result_.input.zero >= -128 && result_.input.zero <= 127;
    const bool is_scale = std::isfinite(result_.input.scale) && result_.input.scale > 0;
    if (zero_error == std::errc() && last == end && is_level && is_scale) return {};
    return damaged("no scale of its input");
  }

  Status read_weights() {
    for (const Value& value : result_.graph.values) {
      if (value.kind != ValueKind::Param) continue;
      const Shape shape = result_.graph.bound_shape(value.type);
      const format::StoredTensor* tensor = file_.find(value.name);
      if (tensor == nullptr || tensor->dtype != value.type.dtype || tensor->shape != shape) {
        return damaged(
            fmt::format("no tensor {} of {} {}", value.name, name(value.type.dtype), shape.str()));
      }
      VERGE_TRY(const TensorView view, tensor->view());
      const bool is_aligned = reinterpret_cast<uintptr_t>(view.data) % alignof(float) == 0;
      if (view.dtype != DType::I8 && !is_aligned) {
        return damaged(fmt::format("{} begins inside of a word", value.name));
      }
      if (!holds_numbers(view)) {
        return damaged(fmt::format("{} holds what is no finite number or beyond 2^30", value.name));
      }
      result_.weights[value.name] = {view, file_.file()};
    }
    return {};
  }

  Status read_scales() {
    try {
      const ordered_json json = ordered_json::parse(metadata_of(file_, kScales));
      for (const auto& [name, scale] : json.items()) {
        const ValueId param = result_.graph.find(name),
                      multiplier = result_.graph.find(scale.at(0).get<std::string>());
        const double ratio = scale.at(1).get<double>();
        const bool is_scaled = is_param(param, {DType::I8, DType::I32}) &&
                               is_param(multiplier, {DType::F32}) && std::isfinite(ratio) &&
                               ratio > 0;
        if (!is_scaled) return damaged(fmt::format("no scale of {}", name));
        const graph::Dims &of_param = result_.graph.value(param).type.dims,
                          &dims = result_.graph.value(multiplier).type.dims;
        if (of_param.empty() || dims != graph::Dims{of_param[0]}) {
          return damaged(fmt::format("no scale of each channel of {}", name));
        }
        result_.scales[param] = {multiplier, ratio};
      }
    } catch (const nlohmann::json::exception& error) {
      return damaged(error.what());
    }
    return {};
  }

  bool is_param(ValueId id, std::initializer_list<DType> dtypes) const {
    if (id == kNone) return false;
    const Value& value = result_.graph.value(id);
    return value.kind == ValueKind::Param &&
           std::find(dtypes.begin(), dtypes.end(), value.type.dtype) != dtypes.end();
  }

  const format::Safetensors& file_;
  const std::string& path_;
  LevelFile result_ = {};
};

std::string scales_text(const LevelFile& file) {
  ordered_json json = ordered_json::object();
  for (const auto& [param, scale] : file.scales) {
    json[file.graph.value(param).name] = {file.graph.value(scale.multiplier).name, scale.ratio};
  }
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

bool is_level_file(const format::Safetensors& file) {
  return metadata_of(file, "verge.architecture") == kLevels;
}

Status write_level_file(const std::string& path, const LevelFile& file,
                        const std::vector<std::pair<std::string, std::string>>& lineage) {
  format::SafetensorsWriter writer;
  describe_network(file.network, writer, kLevels);
  writer.set_metadata(std::string(kGraph), graph::print(file.graph));
  writer.set_metadata(std::string(kInput), fmt::format("{} {}", file.input.scale, file.input.zero));
  writer.set_metadata(std::string(kScales), scales_text(file));
  for (const auto& [key, value] : lineage) writer.set_metadata("verge.lineage." + key, value);
  for (const bool is_wide : {true, false}) {  // so that words stay aligned
    for (const auto& [name, weight] : file.weights) {
      if ((weight.view.dtype != DType::I8) != is_wide) continue;
      VERGE_RETURN_IF_ERROR(writer.add(name, weight.view.dtype, weight.view.shape,
                                       runtime::stored_bytes(weight.view)));
    }
  }
  return writer.write(path);
}

Result<LevelFile> read_level_file(const std::string& path, int64_t batch) {
  VERGE_TRY(const format::Safetensors file, format::Safetensors::open(path));
  return read_level_file(file, path, batch);
}

Result<LevelFile> read_level_file(const format::Safetensors& file, const std::string& path,
                                  int64_t batch) {
  return Reader(file, path).read(batch);
}

Result<Graph> with_batch(const Graph& graph, int64_t batch) {
  graph::Builder b(graph.name);
  std::vector<ValueId> id(graph.values.size(), kNone);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    graph::Type type = value.type;
    if (value.kind == ValueKind::Param) id[i] = b.param(value.name, type);
    if (value.kind != ValueKind::Input) continue;
    if (type.dims.empty() || type.dims[0] != graph::Dim(1)) {
      return make_error(Code::InvalidArgument, "input {} is not of batch 1", value.name);
    }
    type.dims[0] = batch;
    id[i] = b.input(value.name, type);
  }
  for (const graph::Node& node : graph.nodes) {
    b.source(node.source);
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) {
      inputs.push_back(input == kNone ? kNone : id[static_cast<size_t>(input)]);
      if (input != kNone && inputs.back() == kNone) {
        return make_error(Code::InvalidArgument, "{} ({}) reads a constant", node.op->name,
                          node.source);
      }
    }
    graph::Attrs attrs = node.attrs;
    if (node.op->name == "reshape") {
      graph::Dims dims = graph::dims_of(node.attrs);
      if (dims.empty() || dims[0] != graph::Dim(1)) {
        return make_error(Code::InvalidArgument, "reshape ({}) does not keep the batch",
                          node.source);
      }
      dims[0] = batch;
      attrs = graph::dims_attrs(dims);
    }
    const std::vector<ValueId> outputs = b.op_all(node.op->name, inputs, attrs);
    if (b.failed()) break;
    for (size_t i = 0; i < node.outputs.size() && i < outputs.size(); ++i) {
      if (node.outputs[i] == kNone) continue;
      id[static_cast<size_t>(node.outputs[i])] = outputs[i];
      const Value& value = graph.value(node.outputs[i]);
      if (value.is_output) b.output(outputs[i], value.name);
    }
  }
  return b.finish();
}

}  // namespace verge::model
