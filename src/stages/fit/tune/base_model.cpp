#include <algorithm>

#include <verge/engine/format/safetensors/reader.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/level_file.hpp>
#include <verge/engine/model/trainable_model.hpp>
#include <verge/engine/nn/cnn.hpp>
#include <verge/engine/nn/lm_training.hpp>
#include <verge/engine/runtime/delta.hpp>
#include <verge/stages/fit/tune/base_model.hpp>
#include <verge/stages/fit/tune/onnx_base.hpp>

namespace verge::fit {
namespace {

using graph::ValueId;

// The loss of a classifier behind its logits.
Status add_loss(BaseModel& base, ValueId logits) {
  const graph::Dim batch = base.graph.value(logits).type.dims[0];
  graph::Builder b(std::move(base.graph));
  b.source("loss");
  const ValueId labels = b.input("labels", {DType::I32, {batch}});
  base.loss = b.op("softmax_cross_entropy", {logits, labels});
  b.output(base.loss, "loss");
  VERGE_TRY(base.graph, b.finish());
  return {};
}

Result<BaseModel> open_levels(const std::string& path, const BaseShape& shape) {
  VERGE_TRY(model::LevelFile file, model::read_level_file(path, shape.batch));
  BaseModel base{.path = path, .kind = BaseKind::Levels};
  base.graph = std::move(file.graph);
  base.images = std::move(file.images);
  base.weights = std::move(file.weights);
  base.network = std::move(file.network);
  base.input = file.input;
  base.scales = std::move(file.scales);
  VERGE_RETURN_IF_ERROR(add_loss(base, base.graph.find("logits")));
  return base;
}

Result<BaseModel> open_classifier(const std::string& path, const BaseShape& shape) {
  VERGE_TRY(const format::Safetensors file, format::Safetensors::open(path));
  if (model::is_level_file(file)) return open_levels(path, shape);
  BaseModel base{.path = path};
  VERGE_TRY(base.network, model::read_network(file, path));
  base.images = "images";
  VERGE_TRY(base.graph, nn::build_cnn(base.network.config, shape.batch));
  for (const graph::Value& value : base.graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    const format::StoredTensor* tensor = file.find(value.name);
    if (tensor == nullptr || tensor->dtype != DType::F32 ||
        tensor->shape != base.graph.bound_shape(value.type)) {
      return make_error(Code::Malformed, "{}: no tensor {} of f32 {}; train it again", path,
                        value.name, base.graph.bound_shape(value.type).str());
    }
    VERGE_TRY(const TensorView view, tensor->view());
    base.weights[value.name] = {view, file.file()};
  }
  VERGE_RETURN_IF_ERROR(add_loss(base, base.graph.find("logits")));
  return base;
}

// Where it lies in the file, or its values as a copy.
Result<runtime::InitialTensor> f32_weight(BaseModel& base, const model::FileFacts& facts,
                                          const std::string& name, const Shape& shape) {
  const format::StoredTensor* stored = base.source->find(name);
  if (stored != nullptr && stored->dtype == DType::F32 && stored->shape == shape) {
    VERGE_TRY(const TensorView view, stored->view());
    const bool is_aligned = reinterpret_cast<uintptr_t>(view.data) % alignof(float) == 0;
    if (is_aligned) return runtime::InitialTensor{view, base.source};
  }
  const std::vector<float> values = facts.tensor_values(name);
  if (std::ssize(values) != shape.count()) {
    return make_error(Code::Malformed, "{}: {} has {} values, the model needs {}; fetch it again",
                      base.path, name, values.size(), shape.str());
  }
  const auto tensor = std::make_shared<Tensor>(DType::F32, shape);
  std::ranges::copy(values, tensor->span<float>().begin());
  base.copied_bytes += tensor->view().bytes();
  return runtime::InitialTensor{tensor->view(), tensor};
}

// What the loss compares with the targets; no output of a step.
void name_logits(BaseModel& base) {
  for (const graph::Node& node : base.graph.nodes) {
    if (node.outputs[0] == base.loss) base.graph.value(node.inputs[0]).name = kLogits;
  }
}

Result<BaseModel> open_language_model(const std::string& path, const BaseShape& shape) {
  VERGE_TRY(format::ModelSource opened, format::ModelSource::open(path));
  BaseModel base{.path = path, .kind = BaseKind::LanguageModel};
  base.source = std::make_shared<const format::ModelSource>(std::move(opened));
  const model::FileFacts facts(*base.source);
  VERGE_TRY(base.config, nn::read_config(facts));
  base.config.exit_layers.clear();
  const nn::LmForm form = model::training_form(*base.source);
  VERGE_RETURN_IF_ERROR(
      model::check_trainable(*base.source, base.config, form, "give such a model"));
  VERGE_TRY(nn::LmTraining training,
            nn::build_lm_training(
                base.config,
                {.batch = shape.batch, .tokens = shape.tokens, .exit_weights = {}, .form = form}));
  base.graph = std::move(training.graph);
  base.loss = training.loss;
  name_logits(base);
  for (graph::Value& value : base.graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    value.is_trainable = false;
    VERGE_TRY(base.weights[value.name],
              f32_weight(base, facts, value.name, base.graph.bound_shape(value.type)));
  }
  return base;
}

}  // namespace

std::vector<float> BaseModel::values(const std::string& name) const {
  const TensorView& view = weights.at(name).view;
  const std::vector<double> stored = graph::load(view);
  std::vector<float> values(stored.begin(), stored.end());
  const auto scale = scales.find(graph.find(name));
  if (scale == scales.end()) return values;
  const auto multipliers =
      weights.at(graph.value(scale->second.multiplier).name).view.span<const float>();
  const size_t inner = values.size() / multipliers.size();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] *= multipliers[i / inner] * static_cast<float>(scale->second.ratio);
  }
  return values;
}

std::string hash_of_weights(const BaseModel& base) {
  runtime::NamedTensors tensors;
  for (const auto& [name, weight] : base.weights) tensors.emplace_back(name, weight.view);
  return fmt::format("{:016x}", runtime::hash_of(tensors));
}

Result<BaseModel> open_base_model(const std::string& path, const BaseShape& shape) {
  if (shape.batch < 1 || shape.tokens < 1) {
    return make_error(Code::InvalidArgument,
                      "a batch of {} and windows of {} tokens; give 1 or more", shape.batch,
                      shape.tokens);
  }
  if (shape.squared_error && !path.ends_with(".onnx")) {
    return make_error(Code::InvalidArgument,
                      "{}: a loss of squared errors is for ONNX networks; leave --loss out", path);
  }
  const auto open = path.ends_with(".safetensors") ? open_classifier
                    : path.ends_with(".onnx")      ? open_onnx_base
                                                   : open_language_model;
  if (open != open_onnx_base && (!shape.inputs.empty() || !shape.output.empty())) {
    return make_error(Code::InvalidArgument, "{}: {} is for ONNX networks; leave it out", path,
                      shape.inputs.empty() ? "--output" : "--shape");
  }
  VERGE_TRY(BaseModel base, open(path, shape));
  if (base.hash.empty()) base.hash = hash_of_weights(base);
  return base;
}

}  // namespace verge::fit
