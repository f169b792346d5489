#pragma once
// run_step: one run of a language model over the new tokens of several sequences at once, decode
// tokens and chunks of prompts together. The weights are read once for all of them.
//
// What a token's logits are, bit for bit, depends on its own sequence alone: not on the other items
// of the step, their order or their number. A prompt may come whole or in chunks: with chunks of at
// least Decoder::min_chunk tokens (next_chunk) the bits are the same. Smaller ones take the way of
// decoded tokens, whose sums have another order.
//
//   Sequence a(decoder), b(decoder);
//   VERGE_RETURN_IF_ERROR(run_step(decoder, {{{&a, prompt}, {&b, other_prompt}}}));
//   step_logits(decoder, 1);  // after the last token of b

#include <atomic>
#include <span>

#include <verge/engine/runtime/sequence.hpp>

namespace verge::runtime {

struct StepItem {
  Sequence* sequence = nullptr;
  std::span<const int32_t> tokens;  // that follow the sequence's, at least one
  int64_t outputs = 1;              // the last so many of them get logits; may be 0
  /// Which of decoder.adapters changes the model for these tokens; -1 for none. Keys and values
  /// follow from it too: a sequence keeps one adapter, and shares pages with sequences of the same.
  int32_t adapter = -1;
  /// An earlier item of the step, or -1: these tokens follow the first `branch_at` of those that
  /// that one's sequence grows by, whose keys and values are computed once and written for both.
  /// The sequences have the same tokens, and pages of their own after them (Sequence::fork).
  int32_t branch_of = -1;
  int64_t branch_at = 0;

  /// For run_layers on layers that take states: those of the rows, [tokens, d_model]. The tokens
  /// then say how many rows there are and what the sequence remembers of them; who does not know
  /// them gives any.
  std::span<const float> states = {};
  /// For run_layers: the position of the first token; the positions before it have keys and values
  /// in these layers. -1: the sequence's length.
  int64_t first = -1;
  /// The tokens go the way of decoded ones, however many: the bits are those of one run for each.
  /// Each then counts as a sequence of the step.
  bool one_by_one = false;

  /// Rows of the run.
  int64_t rows() const { return static_cast<int64_t>(tokens.size()); }
  /// Tokens that the sequence grows by, where they follow its own.
  int64_t growth() const { return branch_at + rows(); }
};

/// Runs the model over all items, each of another sequence of this decoder: at most
/// decoder.max_tokens tokens, max_sequences items and max_outputs rows of logits in all, and with
/// branches no sequences that together grow by more than max_tokens. On success every sequence has
/// grown by its tokens. Fails with InvalidArgument for more than that, for a
/// token without a row, an adapter that is not there or a sequence beyond the context, OutOfMemory
/// when the pool lacks pages, Cancelled when `cancel` becomes true, Io when weights that are
/// streamed cannot be read; then all sequences are as
/// before.
Status run_step(Decoder& decoder, std::span<const StepItem> items,
                const std::atomic<bool>* cancel = nullptr);

/// The same on decoder.hidden, which must exist: rows of hidden states, up to max_tokens, no
/// logits.
Status run_hidden(Decoder& decoder, std::span<const StepItem> items,
                  const std::atomic<bool>* cancel = nullptr);

/// The same on some of the layers (LanguageModel::prepare_layers), without branches, at most
/// layers.max_tokens rows. Only these layers get keys and values of the items' positions; the
/// others must get theirs before tokens after them are run there, by later calls with `first`. A
/// sequence grows by the positions beyond its length, if any: one whose layers [0, a) run ahead has
/// its pages and its length by them, and layers [a, b) follow within these. Layers that run one
/// after the other on the same chunks give the bits of all at once. Fails also with InvalidArgument
/// for positions that leave a gap after the sequence's.
Status run_layers(LayerPlans& layers, Decoder& decoder, std::span<const StepItem> items,
                  const std::atomic<bool>* cancel = nullptr);

/// Logits [vocab] of a row of the last step: rows count through the items' outputs in their order.
/// Valid until the next step; the row must exist, and a head after the layers that ran.
std::span<const float> step_logits(const Decoder& decoder, int64_t row);
/// The normalised hidden state [d_model] that they were made of.
std::span<const float> step_hidden(const Decoder& decoder, int64_t row);
/// The states [count, d_model] after the last layer that ran, of rows of the last step, which ran
/// on layers that others follow: rows count through the items' tokens in their order. Valid until
/// the next step.
std::span<const float> step_states(const Decoder& decoder, int64_t row, int64_t count = 1);

/// How many of the `rest` of a prompt's tokens to run next if `most` may be: as many as leave none,
/// or at least min_chunk, for later. 0 where `most` is too little for that.
int64_t next_chunk(int64_t rest, int64_t most, int64_t min_chunk);
/// The same for a loop that must go on: where `most` is too little, as many as may be.
int64_t chunk_to_run(const Decoder& decoder, int64_t rest, int64_t most);

}  // namespace verge::runtime
