#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include <nlohmann/json.hpp>

#include <verge/engine/format/hf/config_writer.hpp>
#include <verge/engine/format/hf/rope_scaling.hpp>

namespace verge::format {
namespace {

using Json = nlohmann::ordered_json;

struct Layout {
  std::string_view architecture;
  const char* model_type;
  const char* class_name;
};
constexpr Layout kLayouts[] = {{"llama", "llama", "LlamaForCausalLM"},
                               {"qwen2", "qwen2", "Qwen2ForCausalLM"},
                               {"qwen3", "qwen3", "Qwen3ForCausalLM"}};
constexpr Layout kMistral = {"llama", "mistral", "MistralForCausalLM"};

// The shortest decimal that reads back as this float: 1e-05, not 9.99999974737875e-06.
double decimal(float value) {
  return std::stod(fmt::format("{}", value));
}

const char* torch_name(DType dtype) {
  if (dtype == DType::F32) return "float32";
  return dtype == DType::BF16 ? "bfloat16" : "float16";
}

class ConfigWriter {
 public:
  ConfigWriter(const ModelSource& source, const Layout& layout)
      : source_(source), layout_(layout), prefix_(std::string(layout.architecture) + ".") {}

  Result<std::string> write(DType dtype) {
    json_ = {{"architectures", {layout_.class_name}},
             {"model_type", layout_.model_type},
             {"hidden_act", "silu"},
             {"torch_dtype", torch_name(dtype)}};
    VERGE_RETURN_IF_ERROR(add_sizes());
    VERGE_RETURN_IF_ERROR(add_attention());
    VERGE_RETURN_IF_ERROR(add_rope());
    json_["tie_word_embeddings"] = source_.find("output.weight") == nullptr;
    for (const std::string name : {"bos_token_id", "eos_token_id"}) {
      const std::string key = "tokenizer.ggml." + name;
      if (!source_.metadata.contains(key)) continue;
      VERGE_TRY(json_[name], source_.metadata.get_u32(key));
    }
    return json_.dump(2);
  }

 private:
  Status add_sizes() {
    const std::pair<const char*, const char*> fields[] = {
        {"num_hidden_layers", "block_count"},
        {"hidden_size", "embedding_length"},
        {"intermediate_size", "feed_forward_length"},
        {"max_position_embeddings", "context_length"},
        {"num_attention_heads", "attention.head_count"}};
    for (const auto& [field, key] : fields) {
      VERGE_TRY(json_[field], source_.metadata.get_u32(prefix_ + key));
    }
    const StoredTensor* embedding = source_.find("token_embd.weight");
    if (embedding == nullptr) {
      return make_error(Code::NotFound, "{}: tensor token_embd.weight is missing", source_.path);
    }
    json_["vocab_size"] = embedding->shape[0];
    return {};
  }

  Status add_attention() {
    const Metadata& metadata = source_.metadata;
    const uint32_t heads = json_["num_attention_heads"], width = json_["hidden_size"];
    VERGE_TRY(json_["num_key_value_heads"],
              metadata.get_u32(prefix_ + "attention.head_count_kv", heads));
    VERGE_TRY(head_dim_,
              metadata.get_u32(prefix_ + "attention.key_length", width / std::max(heads, 1u)));
    json_["head_dim"] = head_dim_;
    VERGE_TRY(const float eps, metadata.get_f32(prefix_ + "attention.layer_norm_rms_epsilon"));
    json_["rms_norm_eps"] = decimal(eps);
    if (layout_.architecture == "llama") {
      json_["attention_bias"] = source_.find("blk.0.attn_q.bias") != nullptr;
    }
    VERGE_TRY(const uint32_t window, metadata.get_u32(prefix_ + "attention.sliding_window", 0));
    if (window == 0) return {};
    json_["sliding_window"] = window;
    if (layout_.architecture != "llama") json_["use_sliding_window"] = true;
    return {};
  }

  Status add_rope() {
    const Metadata& metadata = source_.metadata;
    VERGE_TRY(const float base, metadata.get_f32(prefix_ + "rope.freq_base", 10000.f));
    json_["rope_theta"] = decimal(base);
    VERGE_TRY(const uint32_t rotated,
              metadata.get_u32(prefix_ + "rope.dimension_count", head_dim_));
    if (rotated != head_dim_) {
      json_["partial_rotary_factor"] = static_cast<double>(rotated) / head_dim_;
    }
    if (source_.find("rope_freqs.weight") != nullptr) return add_llama3(base, rotated);
    const std::string scaling = prefix_ + "rope.scaling.";
    VERGE_TRY(const auto type, metadata.get_string(scaling + "type", "none"));
    if (type == "none") return {};
    if (type != "linear" && type != "yarn") return unsupported("rotary scaling", type);
    VERGE_TRY(const float factor, metadata.get_f32(scaling + "factor"));
    json_["rope_scaling"] = {{"rope_type", type}, {"factor", decimal(factor)}};
    if (type == "linear") return {};
    VERGE_TRY(const uint32_t original, metadata.get_u32(scaling + "original_context_length"));
    json_["rope_scaling"]["original_max_position_embeddings"] = original;
    for (const auto& [field, key] : {std::pair("beta_fast", "yarn_beta_fast"),
                                     {"beta_slow", "yarn_beta_slow"},
                                     {"attention_factor", "attn_factor"}}) {
      if (!metadata.contains(scaling + key)) continue;
      VERGE_TRY(const float value, metadata.get_f32(scaling + key));
      json_["rope_scaling"][field] = decimal(value);
    }
    return {};
  }

  // GGUF keeps the divisors, config.json what they come from. The slowest frequency is divided by
  // the whole factor; the other constants are those of every model released so far.
  Status add_llama3(float base, uint32_t rotated) {
    const StoredTensor& tensor = *source_.find("rope_freqs.weight");
    VERGE_TRY(const TensorView view, tensor.view());
    const std::span<const float> divisors(view.as<const float>(),
                                          static_cast<size_t>(tensor.shape.count()));
    if (view.dtype != DType::F32 || divisors.size() != rotated / 2) {
      return unsupported("rotary scaling", "by rope_freqs.weight of this type or size");
    }
    const Llama3Scaling scaling{
        .base = base, .factor = divisors.back(), .low = 1, .high = 4, .original_context = 8192};
    const std::vector<float> expected = llama3_divisors(scaling, rotated);
    const bool is_same = std::ranges::equal(divisors, expected, [](float a, float b) {
      return std::abs(a - b) <= 1e-4f * std::abs(b);
    });
    if (!is_same) return unsupported("rotary scaling", "by divisors that are not Llama 3.1's");
    json_["rope_scaling"] = {{"rope_type", "llama3"},
                             {"factor", decimal(divisors.back())},
                             {"low_freq_factor", 1.0},
                             {"high_freq_factor", 4.0},
                             {"original_max_position_embeddings", 8192}};
    return {};
  }

  Error unsupported(std::string_view what, std::string_view found) const {
    return make_error(Code::Unsupported,
                      "{}: {} {} cannot be written as config.json; keep the "
                      "model as GGUF",
                      source_.path, what, found);
  }

  const ModelSource& source_;
  const Layout& layout_;
  std::string prefix_;
  uint32_t head_dim_ = 0;
  Json json_;
};

}  // namespace

Result<std::string> hf_config(const ModelSource& source, DType dtype) {
  VERGE_TRY(const auto architecture, source.metadata.get_string("general.architecture"));
  const auto layout = std::ranges::find(kLayouts, architecture, &Layout::architecture);
  const std::string prefix = std::string(architecture) + ".";
  if (layout == std::end(kLayouts) || source.metadata.contains(prefix + "expert_count")) {
    return make_error(Code::Unsupported,
                      "{}: models of architecture {} {}cannot be written as a folder; Llama, "
                      "Mistral, Qwen2 and Qwen3 without experts can",
                      source.path, architecture,
                      layout == std::end(kLayouts) ? "" : "with experts ");
  }
  const bool has_window = source.metadata.contains(prefix + "attention.sliding_window");
  return ConfigWriter(source, architecture == "llama" && has_window ? kMistral : *layout)
      .write(dtype);
}

}  // namespace verge::format
