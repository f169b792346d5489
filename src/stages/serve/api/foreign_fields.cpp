#include <span>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/foreign_fields.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

/// A field, and the values (of a JSON array) with which it changes nothing.
struct Foreign {
  std::string_view name;
  std::string_view neutral;
};

// An empty list, map or text asks for nothing, whatever the field.
bool is_empty(const Json& value) {
  return (value.is_structured() && value.empty()) || value == "";
}

void refuse_unless_neutral(Fields& fields, std::span<const Foreign> all) {
  for (const auto& [name, neutral] : all) {
    const Json* value = fields.find(name);
    if (value == nullptr || is_empty(*value)) continue;
    bool changes_nothing = false;
    for (const Json& one : Json::parse(neutral)) changes_nothing = changes_nothing || one == *value;
    if (!changes_nothing) fields.refuse(name);
  }
}

constexpr Foreign kOpenAi[] = {
    {"audio", "[]"}, {"modalities", R"([["text"]])"}, {"web_search_options", "[]"}};

constexpr Foreign kVllm[] = {{"add_generation_prompt", "[true]"},
                             {"allowed_token_ids", "[]"},
                             {"bad_words", "[]"},
                             {"chat_template", "[]"},
                             {"continue_final_message", "[false]"},
                             {"documents", "[]"},
                             {"early_stopping", "[false]"},
                             {"length_penalty", "[1]"},
                             {"logits_processors", "[]"},
                             {"prompt_logprobs", "[]"},
                             {"repetition_detection", "[]"},
                             {"return_token_ids", "[false]"},
                             {"return_tokens_as_token_ids", "[false]"},
                             {"skip_special_tokens", "[true]"},
                             {"spaces_between_special_tokens", "[true, false]"},
                             {"thinking_token_budget", "[]"},
                             {"truncate_prompt_tokens", "[]"},
                             {"use_beam_search", "[false]"}};

constexpr Foreign kLlamaServer[] = {{"adaptive_target", "[-1]"},
                                    {"dry_multiplier", "[0]"},
                                    {"dynatemp_range", "[0]"},
                                    {"grammar_lazy", "[false]"},
                                    {"grammar_triggers", "[]"},
                                    {"lora", "[]"},
                                    {"min_keep", "[0]"},
                                    {"n_discard", "[0]"},
                                    {"n_indent", "[0]"},
                                    {"n_probs", "[0]"},
                                    {"post_sampling_probs", "[false]"},
                                    {"response_fields", "[]"},
                                    {"return_tokens", "[false]"},
                                    {"samplers", "[]"},
                                    {"t_max_predict_ms", "[0, -1]"},
                                    {"top_a", "[0]"},
                                    {"top_n_sigma", "[-1, 0]"},
                                    {"typical", "[1]"},
                                    {"xtc_probability", "[0]"}};

constexpr Foreign kOllama[] = {{"context", "[]"}};
constexpr Foreign kOllamaOptions[] = {{"tfs_z", "[0, 1]"}};

}  // namespace

void read_foreign_fields(Fields& fields) {
  fields.ignore({"user",
                 "store",
                 "metadata",
                 "service_tier",
                 "prediction",
                 "safety_identifier",
                 "prompt_cache_key",
                 "prompt_cache_retention",
                 "cache_prompt",
                 "id_slot",
                 "priority",
                 "request_id",
                 "timings_per_token",
                 "return_progress",
                 "dry_base",
                 "dry_allowed_length",
                 "dry_penalty_last_n",
                 "dry_sequence_breakers",
                 "dynatemp_exponent",
                 "xtc_threshold",
                 "n_keep"});
  refuse_unless_neutral(fields, kOpenAi);
  refuse_unless_neutral(fields, kVllm);
  refuse_unless_neutral(fields, kLlamaServer);
}

void read_foreign_ollama_fields(Fields& fields) {
  fields.ignore({"_debug_render_only", "shift", "truncate"});
  refuse_unless_neutral(fields, kOllama);
}

void read_foreign_ollama_options(Fields& options) {
  options.ignore({"num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread", "use_mmap",
                  "use_mlock", "numa", "low_vram", "f16_kv", "vocab_only", "num_gqa", "logits_all",
                  "embedding_only", "penalize_newline"});
  refuse_unless_neutral(options, kOllamaOptions);
}

}  // namespace verge::serve::api
