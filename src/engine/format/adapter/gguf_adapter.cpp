#include <verge/engine/format/adapter/gguf_adapter.hpp>
#include <verge/engine/format/adapter/pair_collector.hpp>
#include <verge/engine/format/gguf/reader.hpp>

namespace verge::format {
namespace {

Status expect_text(const Metadata& metadata, std::string_view key, std::string_view wanted,
                   std::string_view remedy) {
  VERGE_TRY(const std::string_view found, metadata.get_string(key, std::string_view("")));
  if (found == wanted) return {};
  return make_error(Code::Malformed, "{} is \"{}\", expected \"{}\"; {}", key, found, wanted,
                    remedy);
}

Status check_metadata(const Metadata& metadata, const ModelSource& base) {
  VERGE_RETURN_IF_ERROR(
      expect_text(metadata, "general.type", "adapter", "name the file of a LoRA adapter"));
  VERGE_RETURN_IF_ERROR(
      expect_text(metadata, "adapter.type", "lora", "name the file of a LoRA adapter"));
  VERGE_TRY(const std::string_view architecture, base.metadata.get_string("general.architecture"));
  VERGE_RETURN_IF_ERROR(
      expect_text(metadata, "general.architecture", architecture, "use the adapter of this base"));
  if (!metadata.contains("adapter.alora.invocation_tokens")) return {};
  return make_error(Code::Unsupported,
                    "adapter.alora.invocation_tokens: adapters that begin within a text are not "
                    "applied; use a plain LoRA");
}

Result<std::vector<AdapterPair>> read_pairs(const Gguf& file, const std::string& path) {
  PairCollector collector(path);
  for (const StoredTensor& tensor : file.tensors()) {
    const bool is_a = tensor.name.ends_with(".lora_a");
    if (!is_a && !tensor.name.ends_with(".lora_b")) {
      return make_error(Code::Unsupported,
                        "{}: tensor {} is no half of a pair; only matrices with .lora_a and "
                        ".lora_b are applied",
                        path, tensor.name);
    }
    const std::string weight = tensor.name.substr(0, tensor.name.size() - 7);
    VERGE_RETURN_IF_ERROR(collector.add(weight, is_a, tensor));
  }
  return collector.finish();
}

}  // namespace

Result<AdapterFile> open_gguf_adapter(const std::string& path, const ModelSource& base) {
  VERGE_TRY(const Gguf file, Gguf::open(path));
  const Status status = check_metadata(file.metadata(), base);
  if (!status) {
    return make_error(status.error().code, "{}: {}", path, status.error().message);
  }
  const auto alpha = file.metadata().get_f32("adapter.lora.alpha", 0.0f);
  if (!alpha) return make_error(alpha.error().code, "{}: {}", path, alpha.error().message);
  AdapterFile adapter{path, {}, {file.file()}};
  VERGE_TRY(adapter.pairs, read_pairs(file, path));
  for (AdapterPair& pair : adapter.pairs) {
    const int64_t rank = pair.a.shape.rank() > 0 ? pair.a.shape[0] : 0;
    if (*alpha != 0 && rank > 0) pair.scale = double{*alpha} / static_cast<double>(rank);
  }
  return adapter;
}

}  // namespace verge::format
