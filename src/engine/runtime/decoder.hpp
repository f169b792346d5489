#pragma once
// Decoder: what the sequences of one language model run on: its compiled plans and the pages of
// keys and values that all of them share. One thread owns it.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <verge/engine/runtime/kv_pool.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/slowdown.hpp>

namespace verge::runtime {

/// The compiled forms of some of a decoder's layers, over its pages
/// (LanguageModel::prepare_layers).
struct LayerPlans {
  int64_t first_layer;
  int64_t end_layer;   // one after the last
  int64_t max_tokens;  // rows of one run
  Plan prefill;        // up to max_tokens rows of up to max_sequences sequences a run
  Plan decode;         // one row of one sequence a run

  bool takes_states() const { return first_layer > 0; }
};

/// The compiled forms of a decoder graph (nn/decoder.hpp) and the KV pages they share.
struct Decoder {
  Plan prefill;  // up to max_tokens tokens of up to max_sequences sequences a run
  Plan decode;   // one token of one sequence a run
  StateStore& states;
  KvPool pool;
  int64_t first_layer = 0;  // of the model: the first of those that are here
  int64_t layers;           // that are here
  int64_t vocab;
  int64_t d_model;
  int64_t max_tokens;
  int64_t max_outputs;    // rows of logits of one run
  int64_t max_sequences;  // of one run
  int64_t min_chunk;      // a prompt cut into pieces of at least so many tokens gives the same bits
  int64_t page_tokens;
  int64_t context;       // most tokens of a sequence
  std::string identity;  // hash of the model: a saved session fits no other
  /// Of each adapter that a StepItem may name, the hash of its values.
  std::vector<std::string> adapters = {};
  int64_t outputs = 0;       // of the last step
  int64_t rows = 0;          // of it, with states where it has any
  int64_t layer_tokens = 0;  // layers times rows, summed over all steps: what has been computed
  int64_t runs = 0;          // of some or all of the layers
  double run_s = 0;          // that they took, slowed down or not
  Slowdown slowdown = {};
  Plan* ran = nullptr;  // what it ran on: one of these
  /// Like prefill, without logits and with hidden states of all tokens; made when first wanted
  /// (model/embedding.hpp).
  std::unique_ptr<Plan> hidden = nullptr;
};

/// One page of the KV cache of one of its layers, counted from first_layer: [2, kv_heads,
/// page_tokens, head_dim] of the cache's type, keys before values.
std::span<std::byte> page_bytes(const Decoder& decoder, int64_t layer, int32_t page);

}  // namespace verge::runtime
