#pragma once
// DecoderConfig: everything that distinguishes one decoder-only Transformer from another.

#include <cstdint>
#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/nn/model_facts.hpp>

namespace verge::nn {

enum class RopePairs {
  Interleaved,
  Half
};  // (0,1),(2,3).. as in Llama's GGUF; (0,d/2),(1,d/2+1).. as NeoX

struct RopeConfig {
  RopePairs pairs = RopePairs::Interleaved;
  int64_t dims = 0;  // how many of head_dim are rotated
  double base = 10000;
  double local_base = 0;     // of sliding-window layers; 0: the same
  double linear_factor = 1;  // positions are divided by this (local layers: not)
  double yarn_factor = 1;    // > 1: YaRN (Peng et al. 2023)
  double yarn_beta_fast = 32;
  double yarn_beta_slow = 1;
  double yarn_attention_factor = 1;
  int64_t original_context = 0;
  double magnitude = 1;  // multiplies cos and sin (longrope)
  /// Per frequency (Llama 3's rope_freqs, longrope's short factors); empty: all 1.
  std::vector<float> divisors = {};
  /// Instead of them, where a context exceeds the original one (longrope).
  std::vector<float> long_divisors = {};
};

struct MoeConfig {
  int64_t experts = 0;  // 0: dense
  int64_t experts_used = 0;
  bool normalize = true;  // the weights of the chosen experts sum to 1
};

enum class Activation { Silu, GeluTanh };

/// Layers [first, end) of a model, counted from 0; end 0: up to the last.
struct LayerSpan {
  int64_t first = 0;
  int64_t end = 0;

  bool is_whole() const { return first == 0 && end == 0; }
  bool operator==(const LayerSpan&) const = default;
};

struct DecoderConfig {
  std::string architecture;
  int64_t d_model = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t ffn_dim = 0;
  int64_t vocab = 0;
  int64_t context = 0;  // trained context length, in tokens
  double norm_eps = 1e-5;
  double attention_scale = 0;
  double attention_softcap = 0;  // 0: none
  double final_softcap = 0;
  double embedding_scale = 1;
  int64_t window = 0;  // sliding window of local layers, in tokens; 0: none
  int64_t window_pattern =
      1;  // layer i is local when i % pattern < pattern - 1; 1: all or none, see below
  bool all_local = false;   // every layer has the window (Mistral 7B v0.1, Phi-3)
  bool post_norms = false;  // norms after attention and feed-forward as well (Gemma 2 and 3)
  Activation activation = Activation::Silu;
  RopeConfig rope;
  MoeConfig moe;
  std::vector<int64_t> exit_layers;  // early-exit heads after these layers (count of layers run)
  /// Of each exit head: what its logits are divided by before their softmax is a confidence (Guo et
  /// al. 2017).
  std::vector<double> exit_temperatures;

  bool is_local(int64_t layer) const {
    return window > 0 && (all_local || layer % window_pattern < window_pattern - 1);
  }
  /// The span with its end filled in.
  LayerSpan resolve(LayerSpan span) const { return {span.first, span.end > 0 ? span.end : layers}; }
  /// Whether there is a head after so many layers: an exit's, or the last.
  bool has_head(int64_t after) const;
  /// Of the exit head after so many layers; 1 where there is none.
  double exit_temperature(int64_t after) const;
};

/// The matrix to the vocabulary of the exit head after so many layers, where it has one of its own;
/// else it shares the model's.
std::string exit_output_name(int64_t after);

/// Reads the hyper-parameters of a model by its architecture's family; of exit heads from
/// verge.exit_layers and verge.exit.temperature, an array of one for each. Fails with Unsupported
/// for an unknown architecture (listing the known ones), Malformed for a missing or absurd
/// hyper-parameter.
Result<DecoderConfig> read_config(const ModelFacts& facts);

/// Angle per position of each rotated pair, for global or local layers, in sessions of up to
/// `context` tokens. Length rope.dims / 2.
std::vector<float> rope_frequencies(const RopeConfig& rope, bool local, int64_t context = 0);
/// Factor on cos and sin that goes with them (YaRN's attention temperature, longrope's magnitude).
double rope_magnitude(const RopeConfig& rope, bool local);

}  // namespace verge::nn
