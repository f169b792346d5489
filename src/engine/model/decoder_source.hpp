#pragma once
// decoder_source: a language model as C99 for machines without Verge: one step from a token to the
// logits of the next, its cache of keys and values in static memory.

#include <string>

#include <verge/engine/emit/c_source.hpp>
#include <verge/engine/format/model_source.hpp>
#include <verge/engine/model/language_model.hpp>

namespace verge::model {

/// The decode Graph of one sequence, with nothing to manage: inputs tokens and positions, i32 [1]
/// each; output logits f32 [1, vocab]; states kv.N of pages that stand one behind the other.
/// options.context and kv_dtype count. Fails as model_graph does.
Result<graph::Graph> step_graph(const format::ModelSource& source, const LoadOptions& options);

struct DecoderSource {
  emit::CSource source;
  int64_t context = 0;  // tokens
  size_t nodes = 0;
};

/// The function NAME_step(in_tokens, in_positions, out_logits). Fails with Unsupported for a cache
/// of other types than f32 and f16, and where nodes or formats of weights have no C, naming all of
/// them.
Result<DecoderSource> decoder_source(const format::ModelSource& source, const LoadOptions& options,
                                     const std::string& name);

}  // namespace verge::model
