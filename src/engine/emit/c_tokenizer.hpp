#pragma once
// The tokenizer of a language model in C, with its vocabulary: for programs that read and write
// text.

#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::emit {

/// C of
///   static void *memory(long bytes)                 to be free()d; ends the program without any
///   static long encode(const unsigned char *text, long length, int32_t *out)
///   static long piece_of(int32_t token, const unsigned char **text, int *has_marks)
///   static int is_end(int32_t token)
///   static int exceeds(long length, long tokens)
/// encode returns how many tokens it wrote, at most 4 * length + 8: those of Tokenizer::encode(),
/// with its begin and end of text. (A byte is at most three tokens; a user's token, of a byte or
/// more, is one and lets the text behind it begin with a mark of three bytes.) exceeds tells of a
/// length alone whether more tokens come of it for sure. piece_of returns the bytes of a token: 0
/// of a control token and of numbers beyond the vocabulary; with marks, U+2581 is a space. Uses
/// fail() of program_parts.hpp. Fails as c_text_model does.
Result<std::string> c_tokenizer(const text::Tokenizer& tokenizer);

}  // namespace verge::emit
