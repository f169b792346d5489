#include <deque>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/build/train_lm/export.hpp>

namespace verge::build {
namespace {

using format::Metadata;

std::vector<std::string_view> views(const std::vector<std::string>& strings) {
  return {strings.begin(), strings.end()};
}

void set_hyper_parameters(const nn::DecoderConfig& config, Metadata& metadata) {
  const auto set = [&](const char* key, int64_t value) {
    metadata.set(std::string("llama.") + key, static_cast<uint32_t>(value));
  };
  metadata.set("general.architecture", "llama");
  metadata.set("general.name", "verge-lm");
  set("vocab_size", config.vocab);
  set("context_length", config.context);
  set("embedding_length", config.d_model);
  set("block_count", config.layers);
  set("feed_forward_length", config.ffn_dim);
  set("attention.head_count", config.heads);
  set("attention.head_count_kv", config.kv_heads);
  set("rope.dimension_count", config.rope.dims);
  metadata.set("llama.rope.freq_base", static_cast<float>(config.rope.base));
  metadata.set("llama.attention.layer_norm_rms_epsilon", static_cast<float>(config.norm_eps));
}

void set_vocabulary(const text::Vocabulary& vocabulary, Metadata& metadata) {
  metadata.set("tokenizer.ggml.model", vocabulary.model);
  metadata.set("tokenizer.ggml.pre", vocabulary.pre);
  metadata.set_strings("tokenizer.ggml.tokens", views(vocabulary.tokens));
  metadata.set_array<int32_t>("tokenizer.ggml.token_type", vocabulary.types);
  metadata.set_strings("tokenizer.ggml.merges", views(vocabulary.merges));
  if (vocabulary.bos >= 0)
    metadata.set("tokenizer.ggml.bos_token_id", static_cast<uint32_t>(vocabulary.bos));
  if (vocabulary.eos >= 0)
    metadata.set("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(vocabulary.eos));
  metadata.set("tokenizer.ggml.add_bos_token", vocabulary.add_bos.value_or(false));
}

void set_exits(const LmExport& model, Metadata& metadata) {
  std::vector<int32_t> layers(model.config.exit_layers.begin(), model.config.exit_layers.end());
  if (layers.empty()) return;
  metadata.set_array<int32_t>("verge.exit_layers", layers);
  for (const auto& [name, view] : model.parameters) {
    if (!name.starts_with("exit.")) continue;
    const std::string key = "verge." + name.substr(0, name.rfind(".weight"));
    metadata.set_array<float>(
        key, std::span<const float>(view.as<float>(), static_cast<size_t>(view.shape.count())));
  }
}

}  // namespace

Status export_lm(const LmExport& model, const std::string& path, ThreadPool& pool) {
  Metadata metadata;
  set_hyper_parameters(model.config, metadata);
  set_vocabulary(model.vocabulary, metadata);
  set_exits(model, metadata);
  for (const auto& [key, value] : model.lineage) metadata.set("verge.lineage." + key, value);
  format::GgufWriter writer(std::move(metadata));
  std::deque<Tensor> written;
  for (const auto& [name, view] : model.parameters) {
    if (name.starts_with("exit.")) continue;
    const DType type = view.shape.rank() >= 2 ? model.type : DType::F32;
    Tensor& stored = written.emplace_back(type, view.shape);
    VERGE_RETURN_IF_ERROR(quant::quantize(view, stored.view(), {}, pool));
    VERGE_RETURN_IF_ERROR(
        writer.add(name, type, view.shape,
                   {stored.view().as<std::byte>(), static_cast<size_t>(stored.view().bytes())}));
  }
  return writer.write(path);
}

}  // namespace verge::build
