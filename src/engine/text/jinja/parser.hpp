#pragma once
// Template text to a tree of statements.

#include <string_view>

#include <verge/engine/text/jinja/ast.hpp>

namespace verge::text::jinja {

/// Fails in `run` at the first thing that is not in the language. Knows if, for, set, macro,
/// filter, with, raw, break, continue and Hugging Face's generation; the tags that load other
/// templates (include, import, extends, block) are refused by name.
Block parse(Run& run, std::string_view source);

}  // namespace verge::text::jinja
