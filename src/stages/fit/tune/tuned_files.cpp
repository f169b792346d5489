#include <algorithm>
#include <deque>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/format/onnx/reader.hpp>
#include <verge/engine/format/onnx/writer.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/model/level_file.hpp>
#include <verge/engine/model/tensor_file.hpp>
#include <verge/engine/runtime/tensor_record.hpp>
#include <verge/stages/fit/tune/stored_values.hpp>
#include <verge/stages/fit/tune/tuned_files.hpp>

namespace verge::fit {
namespace {

using Lineage = std::vector<std::pair<std::string, std::string>>;

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {tensor.view().as<std::byte>(), static_cast<size_t>(tensor.view().bytes())};
}

Result<Tensor> tuned_tensor(const BaseModel& base, TuningRun& run, const std::string& name) {
  VERGE_TRY(const std::vector<float> values, run.tuned(name));
  Tensor tensor(DType::F32, base.weights.at(name).view.shape);
  std::ranges::copy(values, tensor.span<float>().begin());
  return tensor;
}

Status write_classifier(const std::string& path, const BaseModel& base, TuningRun& run,
                        const Lineage& lineage) {
  format::SafetensorsWriter writer;
  model::describe_network(base.network, writer);
  for (const auto& [key, value] : lineage) writer.set_metadata("verge.lineage." + key, value);
  std::deque<Tensor> tensors;
  for (const auto& [name, weight] : base.weights) {
    VERGE_TRY(Tensor tensor, tuned_tensor(base, run, name));
    const Tensor& kept = tensors.emplace_back(std::move(tensor));
    VERGE_RETURN_IF_ERROR(writer.add(name, DType::F32, kept.shape(), bytes_of(kept)));
  }
  return writer.write(path);
}

Status write_levels(const std::string& path, const BaseModel& base, TuningRun& run,
                    const Lineage& lineage) {
  VERGE_TRY(model::LevelFile file, model::read_level_file(base.path, 1));
  std::deque<Tensor> tensors;
  for (auto& [name, weight] : file.weights) {
    weight.view = tensors.emplace_back(run.stored(name)).view();
  }
  return model::write_level_file(path, file, lineage);
}

// Changed tensors in the type that they have in the file, all else as it is there.
Status write_language_model(const std::string& path, const BaseModel& base, TuningRun& run,
                            const Lineage& lineage, ThreadPool& pool) {
  format::Metadata metadata = base.source->metadata;
  for (const auto& [key, value] : lineage) metadata.set("verge.lineage." + key, value);
  format::GgufWriter writer(std::move(metadata));
  std::deque<Tensor> tensors;
  const runtime::NamedTensors views = model::views_of(base.source->tensors());
  for (size_t i = 0; i < views.size(); ++i) {
    const format::StoredTensor& stored = base.source->tensors()[i];
    if (!base.weights.contains(stored.name)) {
      VERGE_RETURN_IF_ERROR(writer.add(stored));
      continue;
    }
    VERGE_TRY(std::optional<Tensor> changed,
              with_learned_values(views[i].second, false, base, run, stored.name, pool));
    if (!changed) {
      VERGE_RETURN_IF_ERROR(writer.add(stored));
      continue;
    }
    const Tensor& typed = tensors.emplace_back(std::move(*changed));
    VERGE_RETURN_IF_ERROR(writer.add(stored.name, *stored.dtype, stored.shape, bytes_of(typed)));
  }
  return writer.write(path);
}

// Then an adapter is all that changed; else factors are merged into their weights.
bool are_factors_alone(const TrainingPlan& plan) {
  return std::ranges::all_of(
      runtime::updated_parameters(plan.updating().graph),
      [](const std::string& parameter) { return weight_of_factor(parameter).has_value(); });
}

// As llama.cpp's convert_lora_to_gguf writes it (format/adapter/gguf_adapter.hpp).
Status write_adapter(const std::string& path, const BaseModel& base, const TrainingPlan& plan,
                     TuningRun& run, const Lineage& lineage) {
  format::Metadata metadata;
  metadata.set("general.type", "adapter");
  metadata.set("general.architecture", base.config.architecture);
  metadata.set("adapter.type", "lora");
  metadata.set("adapter.lora.alpha", static_cast<float>(plan.settings.scheme.lora->alpha));
  for (const auto& [key, value] : lineage) metadata.set("verge.lineage." + key, value);
  format::GgufWriter writer(std::move(metadata));
  for (const std::string& weight : plan.settings.low_rank) {
    for (const char* side : {".lora_a", ".lora_b"}) {
      VERGE_TRY(const TensorView view, run.trainer().weights().native(weight + side));
      VERGE_RETURN_IF_ERROR(
          writer.add(weight + side, view.dtype, view.shape, runtime::stored_bytes(view)));
    }
  }
  return writer.write(path);
}

// Those of the base whose values a plan changes.
std::vector<std::string> changed_weights(const BaseModel& base, const TrainingPlan& plan) {
  std::vector<std::string> names = plan.settings.low_rank;
  for (const std::string& updated : runtime::updated_parameters(plan.updating().graph)) {
    if (base.weights.contains(updated)) names.push_back(updated);
  }
  return names;
}

// In the order of the initializers, each by its values alone.
runtime::NamedTensors initializers_of(const format::onnx::GraphData& graph) {
  using format::onnx::ElementType;
  runtime::NamedTensors tensors;
  for (const format::onnx::TensorData& tensor : graph.initializers) {
    auto* data = const_cast<std::byte*>(tensor.bytes.data());  // read only
    const DType dtype = tensor.type == ElementType::Float      ? DType::F32
                        : tensor.type == ElementType::Float16  ? DType::F16
                        : tensor.type == ElementType::Bfloat16 ? DType::BF16
                                                               : DType::U8;
    tensors.emplace_back(tensor.name, TensorView{data, dtype, {tensor.count()}});
  }
  return tensors;
}

// The file as it is, with what was learned in the place of its tensors.
Status write_onnx_network(const std::string& path, const BaseModel& base, const TrainingPlan& plan,
                          TuningRun& run, const Lineage& lineage, ThreadPool& pool) {
  VERGE_TRY(const format::onnx::Onnx file, format::onnx::Onnx::open(base.path));
  format::onnx::ModelData model = file.model();
  for (const auto& [key, value] : lineage) {
    model.metadata.emplace_back("verge.lineage." + key, value);
  }
  const runtime::NamedTensors stored = initializers_of(model.graph);
  std::deque<Tensor> tensors;
  for (const std::string& name : changed_weights(base, plan)) {
    VERGE_TRY(const StoredPlace place, place_in_file(base, name, stored));
    VERGE_TRY(std::optional<Tensor> tensor,
              with_learned_values(stored[place.tensor].second, place.is_transposed, base, run, name,
                                  pool));
    if (!tensor) continue;
    model.graph.initializers[place.tensor].bytes =
        bytes_of(tensors.emplace_back(std::move(*tensor)));
  }
  return format::onnx::write_onnx(model, path);
}

bool has_branches(const format::onnx::GraphData& graph) {
  return std::ranges::any_of(graph.nodes, [](const format::onnx::NodeData& node) {
    return std::ranges::any_of(node.attributes,
                               [](const auto& attribute) { return attribute.graph != nullptr; });
  });
}

}  // namespace

Status expect_writable(const std::string& path, const BaseModel& base, const TrainingPlan& plan) {
  const auto expect_places = [&](const runtime::NamedTensors& tensors) -> Status {
    for (const std::string& name : changed_weights(base, plan)) {
      VERGE_RETURN_IF_ERROR(place_in_file(base, name, tensors));
    }
    return {};
  };
  if (base.is_language_model()) {
    return are_factors_alone(plan) ? Status{}
                                   : expect_places(model::views_of(base.source->tensors()));
  }
  if (base.kind != BaseKind::Onnx) return {};
  if (!path.ends_with(".onnx")) {
    return make_error(Code::InvalidArgument,
                      "{}: what is tuned is an ONNX network; give a name that ends with .onnx",
                      path);
  }
  VERGE_TRY(const format::onnx::Onnx file, format::onnx::Onnx::open(base.path));
  if (has_branches(file.model().graph)) {
    return make_error(Code::Unsupported,
                      "{}: a network with branches or loops is not written again; keep what "
                      "changes, by --delta instead of --out",
                      base.path);
  }
  return expect_places(initializers_of(file.model().graph));
}

Status write_tuned(const std::string& path, const BaseModel& base, const TrainingPlan& plan,
                   TuningRun& run, const Lineage& lineage, ThreadPool& pool) {
  switch (base.kind) {
    case BaseKind::Classifier:
      return write_classifier(path, base, run, lineage);
    case BaseKind::Levels:
      return write_levels(path, base, run, lineage);
    case BaseKind::LanguageModel:
      if (are_factors_alone(plan)) return write_adapter(path, base, plan, run, lineage);
      return write_language_model(path, base, run, lineage, pool);
    case BaseKind::Onnx:
      break;
  }
  VERGE_RETURN_IF_ERROR(expect_writable(path, base, plan));
  return write_onnx_network(path, base, plan, run, lineage, pool);
}

}  // namespace verge::fit
