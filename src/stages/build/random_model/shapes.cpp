#include <verge/stages/build/random_model/random_model.hpp>

namespace verge::build {
namespace {

struct ShapeRow {
  const char* name;
  const char* architecture;
  int d_model, layers, heads, kv_heads, head_dim, ffn, vocab, context;
  bool tied_head = false;
  int experts = 0, experts_used = 0;
  int sliding_window = 0;
  const char* byte_pairs = "";  // a pre-tokenizer; "": SentencePiece
};

// The tiny shapes have head counts that are odd or grouped and windows shorter than a test's text,
// so that a wrong stride or mask shows; tiny-gemma3 has a layer of each kind. stories-15m and
// -110m are shapes of Karpathy's llama2.c, stories-7m a smaller one for training; the others are
// published.
constexpr ShapeRow kShapes[] = {
    {"tiny-llama", "llama", 96, 2, 3, 1, 32, 160, 512, 256},
    {"tiny-mistral", "llama", 128, 3, 4, 2, 32, 192, 640, 256},
    {"tiny-mixtral", "llama", 64, 2, 4, 2, 16, 96, 512, 256, false, 4, 2},
    {"tiny-qwen2", "qwen2", 224, 2, 7, 1, 32, 288, 768, 256, true, 0, 0, 0, "qwen2"},
    {"tiny-qwen3", "qwen3", 128, 2, 5, 1, 32, 224, 768, 256, true, 0, 0, 0, "qwen2"},
    {"tiny-qwen3moe", "qwen3moe", 128, 2, 4, 2, 32, 64, 768, 256, false, 8, 3, 0, "qwen2"},
    {"tiny-gemma", "gemma", 96, 2, 3, 1, 32, 256, 512, 256, true},
    {"tiny-gemma2", "gemma2", 96, 3, 4, 2, 32, 256, 512, 256, true, 0, 0, 8},
    {"tiny-gemma3", "gemma3", 96, 7, 3, 1, 32, 256, 512, 256, true, 0, 0, 8},
    {"tiny-phi3", "phi3", 96, 2, 6, 3, 16, 192, 512, 256},
    {"stories-7m", "llama", 256, 6, 8, 8, 32, 704, 4096, 256, true},
    {"stories-15m", "llama", 288, 6, 6, 6, 48, 768, 32000, 256, true},
    {"stories-110m", "llama", 768, 12, 12, 12, 64, 2048, 32000, 1024, true},
    {"smollm-135m", "llama", 576, 30, 9, 3, 64, 1536, 49152, 2048, true, 0, 0, 0, "smollm"},
    {"qwen2.5-0.5b", "qwen2", 896, 24, 14, 2, 64, 4864, 151936, 32768, true, 0, 0, 0, "qwen2"},
    {"tinyllama-1.1b", "llama", 2048, 22, 32, 4, 64, 5632, 32000, 2048},
    {"llama-7b", "llama", 4096, 32, 32, 32, 128, 11008, 32000, 4096},
};

/// What the published models of a family have in common.
void set_family(RandomModelSpec& spec) {
  if (spec.architecture == "phi3") spec.vocabulary = VocabularyKind::Phi;
  if (spec.architecture == "llama" || spec.architecture == "phi3") return;
  spec.rms_epsilon = 1e-6f;
  spec.bias_qkv = spec.architecture == "qwen2";
  if (spec.architecture == "gemma2") {
    spec.attention_softcap = 50.0f;
    spec.final_softcap = 30.0f;
  } else {
    spec.rope_base = 1e6f;
  }
  if (spec.architecture.starts_with("gemma")) spec.vocabulary = VocabularyKind::Gemma;
}

RandomModelSpec spec_of(const ShapeRow& row) {
  RandomModelSpec spec{.name = row.name,
                       .architecture = row.architecture,
                       .d_model = row.d_model,
                       .layers = row.layers,
                       .heads = row.heads,
                       .kv_heads = row.kv_heads,
                       .head_dim = row.head_dim,
                       .ffn = row.ffn,
                       .vocab = row.vocab,
                       .context = row.context,
                       .experts = row.experts,
                       .experts_used = row.experts_used,
                       .tied_head = row.tied_head,
                       .sliding_window = row.sliding_window,
                       .pre_tokenizer = row.byte_pairs};
  if (!spec.pre_tokenizer.empty()) spec.vocabulary = VocabularyKind::BytePairs;
  set_family(spec);
  return spec;
}

}  // namespace

std::vector<std::string> random_model_names() {
  std::vector<std::string> names;
  for (const ShapeRow& row : kShapes) names.emplace_back(row.name);
  return names;
}

Result<RandomModelSpec> random_model_spec(std::string_view name) {
  for (const ShapeRow& row : kShapes) {
    if (row.name == name) return spec_of(row);
  }
  return make_error(Code::NotFound, "shape {} is unknown; known are {}", name,
                    fmt::join(random_model_names(), ", "));
}

}  // namespace verge::build
