#pragma once
// Template text to tokens, with the white-space control of Jinja and the two settings that Hugging
// Face turns on: trim_blocks (a block or comment swallows the line break after it) and
// lstrip_blocks (and the blanks before it, when it begins its line). Comments and {% raw %} are
// resolved here.

#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/jinja/run.hpp>

namespace verge::text::jinja {

enum class TokenKind {
  Text,         // between tags, already stripped
  OutputBegin,  // {{
  OutputEnd,    // }}
  BlockBegin,   // {%
  BlockEnd,     // %}
  Name,
  String,  // unescaped
  Integer,
  Float,
  Operator,
  End,
};

struct Token {
  TokenKind kind;
  std::string text;
  Position at;
};

/// The tokens, the last one End. Fails in `run` at an unclosed tag, string or bracket, and at a
/// character that begins nothing.
std::vector<Token> tokenize(Run& run, std::string_view source);

}  // namespace verge::text::jinja
