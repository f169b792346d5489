#pragma once
// Random models: GGUF files with the tensors, keys and vocabulary of a model family and Gaussian
// weights, the same for the same seed whatever the number of threads.
//
//   VERGE_TRY(RandomModelSpec spec, random_model_spec("qwen2.5-0.5b"));
//   spec.dtype = [](std::string_view, const Shape&) { return DType::Q4_0; };
//   VERGE_RETURN_IF_ERROR(write_random_model(spec, "random.gguf", pool));

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/dtype.hpp>
#include <verge/core/result.hpp>
#include <verge/core/shape.hpp>
#include <verge/core/threads.hpp>

namespace verge::build {

enum class VocabularyKind {
  SentencePiece,  // <unk>, <s>, </s>, byte tokens, pieces with scores
  Gemma,          // the same in Gemma's order of special tokens
  Phi,            // the same with Phi-3's tokens of a conversation at the end
  BytePairs,      // byte-level BPE with merges
};

struct RandomModelSpec {
  std::string name;
  std::string
      architecture;  // as GGUF names it: llama, qwen2, qwen3, qwen3moe, gemma, gemma2, gemma3, phi3
  int d_model = 0;
  int layers = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int ffn = 0;  // of one expert, if there are experts
  int vocab = 0;
  int context = 0;
  int experts = 0;  // 0: dense
  int experts_used = 0;
  bool tied_head = false;  // the head is the token embedding
  bool bias_qkv = false;
  float rms_epsilon = 1e-5f;
  float rope_base = 10000.0f;
  int sliding_window = 0;          // 0: none
  float attention_softcap = 0.0f;  // 0: none
  float final_softcap = 0.0f;      // 0: none
  VocabularyKind vocabulary = VocabularyKind::SentencePiece;
  std::string pre_tokenizer;  // of byte pairs, as GGUF names it: qwen2, smollm, llama-bpe
  uint64_t seed = 1;
  /// The type of a matrix; vectors and the routers of experts are always f32. Empty: all f32.
  std::function<DType(std::string_view tensor, const Shape& shape)> dtype = {};
};

/// The named shapes, tiny ones first.
std::vector<std::string> random_model_names();

/// A named shape, in f32. NotFound lists the names.
Result<RandomModelSpec> random_model_spec(std::string_view name);

/// Weights of the model (one for the tied embedding), biases and norms included.
int64_t parameter_count(const RandomModelSpec& spec);

/// Writes the file in one pass; holds a few megabytes at a time. Fails with InvalidArgument for a
/// shape that contradicts itself, a vocabulary too small for its bytes, or a row that the type's
/// blocks do not divide; with Io if the file cannot be written.
Status write_random_model(const RandomModelSpec& spec, const std::string& path, ThreadPool& pool);

}  // namespace verge::build
