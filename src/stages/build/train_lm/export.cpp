#include <deque>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/model/exit_heads.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/build/train_lm/export.hpp>

namespace verge::build {
namespace {

using format::Metadata;

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

void set_exits(const LmExport& lm, Metadata& metadata) {
  std::vector<model::ExitHead> heads;
  for (const int64_t after : lm.config.exit_layers) {
    const std::string name = fmt::format("exit.{}.norm.weight", after);
    for (const auto& [parameter, view] : lm.parameters) {
      if (parameter != name) continue;
      const auto norm = view.span<float>();
      heads.push_back({.after = after, .norm = {norm.begin(), norm.end()}});
    }
  }
  model::write_exit_heads(heads, metadata);
}

}  // namespace

Status export_lm(const LmExport& lm, const std::string& path, ThreadPool& pool) {
  Metadata metadata;
  set_hyper_parameters(lm.config, metadata);
  model::write_vocabulary(lm.vocabulary, metadata);
  set_exits(lm, metadata);
  for (const auto& [key, value] : lm.lineage) metadata.set("verge.lineage." + key, value);
  format::GgufWriter writer(std::move(metadata));
  std::deque<Tensor> written;
  for (const auto& [name, view] : lm.parameters) {
    if (name.starts_with("exit.")) continue;
    const DType type = view.shape.rank() >= 2 ? lm.type : DType::F32;
    Tensor& stored = written.emplace_back(type, view.shape);
    VERGE_RETURN_IF_ERROR(quant::quantize(view, stored.view(), {}, pool));
    VERGE_RETURN_IF_ERROR(
        writer.add(name, type, view.shape,
                   {stored.view().as<std::byte>(), static_cast<size_t>(stored.view().bytes())}));
  }
  return writer.write(path);
}

}  // namespace verge::build
