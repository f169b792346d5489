#pragma once
// How ordinary text becomes tokens, in C: SentencePiece's merges by score, and byte-level BPE.

#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/text/vocabulary.hpp>

namespace verge::emit {

/// C of "static long encode_text(const unsigned char *text, long length, int starts, int32_t
/// *out)", which returns how many tokens it wrote, at most 3 * length + 3. Uses memory, find_token
/// and the tables of c_tokenizer.hpp. The vocabulary must be checked(). Fails with Unsupported for
/// another model than "llama" and "gpt2", and as c_words does.
Result<std::string> c_text_model(const text::Vocabulary& vocabulary);

}  // namespace verge::emit
