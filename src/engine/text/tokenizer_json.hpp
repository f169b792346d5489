#pragma once
// Reading of Hugging Face's tokenizer.json and tokenizer_config.json (library "tokenizers").

#include <string_view>

#include <verge/core/result.hpp>
#include <verge/engine/text/vocabulary.hpp>

namespace verge::text {

/// The vocabulary of a tokenizer.json whose model is BPE: byte-level ("gpt2"; the pre-tokenizer is
/// recognised by its expressions) or with byte fall-back ("llama"; a token's score is the rank of
/// the first merge that makes it). Unicode normalization is left out, as in GGUF. Special tokens
/// that the post-processor does not add are found in tokenizer_config.json only.
/// Malformed: broken JSON, or ids out of range; Unsupported: another model or pre-tokenizer.
Result<Vocabulary> vocabulary_from_tokenizer_json(std::string_view json);

/// Takes bos, eos, unk, pad and whether to add them from a tokenizer_config.json. A name that is no
/// token of `vocabulary` is Malformed.
Status apply_tokenizer_config(std::string_view json, Vocabulary& vocabulary);

}  // namespace verge::text
