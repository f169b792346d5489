#pragma once
// Jinja's filters: `value | name(arguments)`. Those of text and numbers are in text_filters.cpp,
// those of lists and dicts in sequence_filters.cpp.

#include <string_view>

#include <verge/engine/text/jinja/value.hpp>

namespace verge::text::jinja {

using Filter = Value (*)(Run&, const Value& input, const Arguments&);

/// Fails in `run` if there is no filter of this name.
Filter find_filter(Run& run, std::string_view name);

/// Null if the family has no filter of this name.
Filter find_text_filter(std::string_view name);
Filter find_sequence_filter(std::string_view name);

/// What most filters do with an argument that may be absent.
bool flag(const Arguments& arguments, size_t position, std::string_view name);
int64_t integer(Run& run, const Arguments& arguments, size_t position, std::string_view name,
                int64_t otherwise);
std::string text_argument(Run& run, const Arguments& arguments, size_t position,
                          std::string_view name, std::string_view otherwise);

}  // namespace verge::text::jinja
