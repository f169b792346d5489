#pragma once
// Jinja's tests: `value is name(arguments)`.

#include <string_view>

#include <verge/engine/text/jinja/value.hpp>

namespace verge::text::jinja {

using Predicate = bool (*)(Run&, const Value&, const Arguments&);

/// Fails in `run` if there is no test of this name.
Predicate find_predicate(Run& run, std::string_view name);

}  // namespace verge::text::jinja
