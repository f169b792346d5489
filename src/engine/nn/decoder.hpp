#pragma once
// build_decoder: the inference Graph of a decoder-only Transformer over a paged KV cache, or of
// some of its layers. One Graph serves prefill and decode: `tokens` new tokens of up to
// `max_sequences` sequences run at once, each appended to its sequence's pages, and logits are
// computed for the rows listed in `output_rows`.

#include <verge/core/result.hpp>
#include <verge/engine/graph/ir.hpp>
#include <verge/engine/nn/config.hpp>

namespace verge::nn {

struct DecoderShape {
  int64_t max_tokens = 512;  // tokens of one run, over all sequences
  int64_t max_outputs = 1;   // rows of logits of one run
  int64_t max_sequences = 1;
  int64_t pages = 1;  // of the KV pool, shared by all sequences
  int64_t page_tokens = 32;
  int64_t pages_per_sequence = 1;
  DType kv_dtype = DType::F16;
  /// The layers that run. Behind the last of all comes the model's head, behind others the exit
  /// head that DecoderConfig::exit_layers names there.
  LayerSpan layers = {};
  bool has_hidden = true;   // the output "hidden", for which there must be a head
  bool has_logits = true;   // and "logits" of it
  bool has_states = false;  // the output "end_states"
};

/// Inputs: tokens, positions, token_sequence i32 [tokens]; slots, slot_tokens i32 [writes]: where
/// which token's keys and values go; page_table i32 [sequences, pages]; output_rows i32 [outputs].
/// Layers that do not begin with the first have the input states f32 [tokens, d_model] instead of
/// tokens: what flows from layer to layer (the residual stream, not normalised).
/// States: kv.N [pages, 2, kv_heads, page_tokens, head_dim] for each layer N of the model that
/// runs. Outputs: hidden f32 [outputs, d_model], normalised, and logits f32 [outputs, vocab] of it;
/// end_states f32 [tokens, d_model], the states after the last layer that runs. Symbols in this
/// order: tokens, outputs, writes (at most max_tokens). Fails with Malformed when a tensor is
/// missing or its shape does not fit; the error names the layer.
Result<graph::Graph> build_decoder(const DecoderConfig& config, const ModelFacts& facts,
                                   const DecoderShape& shape);

/// Names of the symbols' places in Plan::run's extents.
enum DecoderSymbol { kTokens = 0, kOutputs = 1, kWrites = 2 };

}  // namespace verge::nn
