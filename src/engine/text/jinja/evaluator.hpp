#pragma once
// Runs a template's statements.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <verge/engine/text/jinja/ast.hpp>

namespace verge::text::jinja {

using Variables = std::vector<std::pair<std::string, Value>>;

/// The text that `block` writes with these variables in sight. Errors, and work past the limits,
/// fail in `run` at the place they happened. `now_unix_s`: see globals.hpp.
std::string evaluate(Run& run, const Block& block, const Variables& variables,
                     std::optional<int64_t> now_unix_s);

}  // namespace verge::text::jinja
