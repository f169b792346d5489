#include <verge/stages/build/random_model/metadata.hpp>
#include <verge/stages/build/random_model/vocabulary.hpp>

namespace verge::build {
namespace {

using format::Metadata;

class KeysOf {
 public:
  KeysOf(Metadata& metadata, const std::string& prefix) : metadata_(metadata), prefix_(prefix) {}

  void set(const char* key, int value) {
    metadata_.set(prefix_ + "." + key, static_cast<uint32_t>(value));
  }
  void set(const char* key, float value) { metadata_.set(prefix_ + "." + key, value); }
  template <typename T>
  void set_unless_zero(const char* key, T value) {
    if (value != T{}) set(key, value);
  }

 private:
  Metadata& metadata_;
  const std::string& prefix_;
};

void set_shape(Metadata& metadata, const RandomModelSpec& spec) {
  KeysOf keys(metadata, spec.architecture);
  keys.set("context_length", spec.context);
  keys.set("embedding_length", spec.d_model);
  keys.set("block_count", spec.layers);
  keys.set("feed_forward_length", spec.ffn);
  keys.set("attention.head_count", spec.heads);
  keys.set("attention.head_count_kv", spec.kv_heads);
  keys.set("attention.key_length", spec.head_dim);
  keys.set("attention.value_length", spec.head_dim);
  keys.set("attention.layer_norm_rms_epsilon", spec.rms_epsilon);
  keys.set("rope.dimension_count", spec.head_dim);
  keys.set("rope.freq_base", spec.rope_base);
  keys.set_unless_zero("expert_count", spec.experts);
  keys.set_unless_zero("expert_used_count", spec.experts_used);
  if (spec.experts > 0) keys.set("expert_feed_forward_length", spec.ffn);
  keys.set_unless_zero("attention.sliding_window", spec.sliding_window);
  keys.set_unless_zero("attn_logit_softcapping", spec.attention_softcap);
  keys.set_unless_zero("final_logit_softcapping", spec.final_softcap);
}

std::vector<std::string_view> views(const std::vector<std::string>& strings) {
  return {strings.begin(), strings.end()};
}

void set_token(Metadata& metadata, const char* key, int32_t token) {
  if (token >= 0) metadata.set(key, static_cast<uint32_t>(token));
}

void set_vocabulary(Metadata& metadata, const RandomModelSpec& spec,
                    const RandomVocabulary& vocabulary) {
  const bool byte_pairs = spec.vocabulary == VocabularyKind::BytePairs;
  metadata.set("tokenizer.ggml.model", byte_pairs ? "gpt2" : "llama");
  metadata.set("tokenizer.ggml.pre", byte_pairs ? spec.pre_tokenizer : std::string("default"));
  metadata.set_strings("tokenizer.ggml.tokens", views(vocabulary.tokens));
  metadata.set_array<int32_t>("tokenizer.ggml.token_type", vocabulary.types);
  if (byte_pairs) {
    metadata.set_strings("tokenizer.ggml.merges", views(vocabulary.merges));
  } else {
    metadata.set_array<float>("tokenizer.ggml.scores", vocabulary.scores);
    metadata.set("tokenizer.ggml.add_space_prefix", spec.vocabulary != VocabularyKind::Gemma);
  }
  set_token(metadata, "tokenizer.ggml.bos_token_id", vocabulary.bos);
  set_token(metadata, "tokenizer.ggml.eos_token_id", vocabulary.eos);
  set_token(metadata, "tokenizer.ggml.unknown_token_id", vocabulary.unknown);
  set_token(metadata, "tokenizer.ggml.padding_token_id", vocabulary.padding);
  metadata.set("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
  if (!vocabulary.chat_template.empty()) {
    metadata.set("tokenizer.chat_template", vocabulary.chat_template);
  }
}

}  // namespace

Result<Metadata> random_metadata(const RandomModelSpec& spec) {
  VERGE_TRY(const RandomVocabulary vocabulary,
            random_vocabulary(spec.vocabulary, spec.vocab, spec.seed));
  Metadata metadata;
  metadata.set("general.architecture", spec.architecture);
  metadata.set("general.name", spec.name);
  metadata.set("general.description", fmt::format("random weights, seed {}", spec.seed));
  metadata.set("general.quantization_version", uint32_t{2});
  set_shape(metadata, spec);
  set_vocabulary(metadata, spec, vocabulary);
  return metadata;
}

}  // namespace verge::build
