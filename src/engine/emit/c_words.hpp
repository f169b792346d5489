#pragma once
// How byte-level BPE cuts text into words, in C: the expressions of GPT-2, of Llama 3 and of Qwen 2
// by hand, since a small program has no engine for regular expressions.

#include <string>

#include <verge/core/result.hpp>

namespace verge::emit {

/// C of "static long word_end(const uint32_t *c, long at, long end)": the code point behind the
/// word that begins at `at`. `pre` is the pre-tokenizer's name (text/pretokenizer.hpp). Fails with
/// Unsupported for one whose expressions have no C, naming those that have.
Result<std::string> c_words(const std::string& pre);

}  // namespace verge::emit
