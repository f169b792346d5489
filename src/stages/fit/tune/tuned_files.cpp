#include <algorithm>
#include <deque>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/model/level_file.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/engine/runtime/delta.hpp>
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
  for (const format::StoredTensor& stored : base.source->tensors()) {
    const bool is_known = base.weights.contains(stored.name);
    VERGE_TRY(const std::vector<float> values,
              is_known ? run.tuned(stored.name) : Result<std::vector<float>>(std::vector<float>()));
    if (!is_known || values == base.values(stored.name)) {
      VERGE_RETURN_IF_ERROR(writer.add(stored));
      continue;
    }
    VERGE_TRY(const Tensor tuned, tuned_tensor(base, run, stored.name));
    Tensor& typed = tensors.emplace_back(*stored.dtype, stored.shape);
    VERGE_RETURN_IF_ERROR(quant::quantize(tuned.view(), typed.view(), {}, pool));
    VERGE_RETURN_IF_ERROR(writer.add(stored.name, *stored.dtype, stored.shape, bytes_of(typed)));
  }
  return writer.write(path);
}

// Then an adapter is all that changed; else factors are merged into their weights.
bool are_factors_alone(TuningRun& run) {
  return std::ranges::all_of(run.trainer().parameters(), [](const auto& parameter) {
    return parameter.first.ends_with(".lora_a") || parameter.first.ends_with(".lora_b");
  });
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

}  // namespace

Status write_tuned(const std::string& path, const BaseModel& base, const TrainingPlan& plan,
                   TuningRun& run, const Lineage& lineage, ThreadPool& pool) {
  switch (base.kind) {
    case BaseKind::Classifier:
      return write_classifier(path, base, run, lineage);
    case BaseKind::Levels:
      return write_levels(path, base, run, lineage);
    case BaseKind::LanguageModel:
      if (are_factors_alone(run)) return write_adapter(path, base, plan, run, lineage);
      return write_language_model(path, base, run, lineage, pool);
    case BaseKind::Onnx:
      break;
  }
  return make_error(Code::Unsupported,
                    "{}: a tuned ONNX network is kept as its changed tensors; give --delta", path);
}

Result<int64_t> write_tuned_delta(const std::string& path, const BaseModel& base, TuningRun& run) {
  runtime::NamedTensors before, now;
  std::deque<Tensor> tensors;
  for (const auto& [name, weight] : base.weights) {
    before.emplace_back(name, weight.view);
    if (base.kind == BaseKind::Levels) {
      now.emplace_back(name, tensors.emplace_back(run.stored(name)).view());
      continue;
    }
    VERGE_TRY(Tensor tensor, tuned_tensor(base, run, name));
    now.emplace_back(name, tensors.emplace_back(std::move(tensor)).view());
  }
  VERGE_TRY(const runtime::DeltaSize size, runtime::write_delta(path, before, now));
  return size.bytes;
}

}  // namespace verge::fit
