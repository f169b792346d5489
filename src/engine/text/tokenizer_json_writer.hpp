#pragma once
// Writing of Hugging Face's tokenizer.json and tokenizer_config.json (library "tokenizers"), the
// inverse of tokenizer_json.hpp.

#include <string>
#include <string_view>

#include <verge/core/result.hpp>
#include <verge/engine/text/vocabulary.hpp>

namespace verge::text {

/// The tokenizer.json of a vocabulary as checked() leaves it. A "llama" vocabulary's merges come
/// from its scores: a token of higher score is merged first. Unsupported for the model "gemma4",
/// Malformed for a token that is no UTF-8, which JSON cannot hold.
Result<std::string> tokenizer_json(const Vocabulary& vocabulary);

/// The tokenizer_config.json; `chat_template` may be empty.
std::string tokenizer_config_json(const Vocabulary& vocabulary, std::string_view chat_template);

}  // namespace verge::text
