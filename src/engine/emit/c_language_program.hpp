#pragma once
// c_language_program: a main around the C of a language model's step: it continues a text.
//
//   ./program -p "Once upon a time" -n 100 --temp 0.8 --seed 7

#include <string>
#include <string_view>

#include <verge/core/result.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::emit {

/// `name` is that of the source (COptions), whose function is NAME_step(tokens, positions, logits)
/// of one token, with NAME_TOKENS_END and NAME_POSITIONS_END (COptions::ranges). The program holds
/// the tokenizer and draws the likeliest token, or by temperature among all. Fails with Unsupported
/// for a tokenizer that has no C.
Result<std::string> c_language_program(std::string_view name, const text::Tokenizer& tokenizer);

}  // namespace verge::emit
