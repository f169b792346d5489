#pragma once
// Values as text: Python's str() and repr(), and JSON as Python's json.dumps writes it.

#include <optional>
#include <string>

#include <verge/engine/text/jinja/value.hpp>

namespace verge::text::jinja {

/// What `{{ value }}` writes. Undefined is empty.
std::string to_text(Run& run, const Value& value);

/// As inside a printed list: strings in quotes.
std::string to_repr(Run& run, const Value& value);

/// json.dumps(ensure_ascii=False). Hugging Face replaces Jinja's own tojson, which escapes HTML.
struct JsonStyle {
  std::optional<std::string> indent;  // repeated for each level; lines are broken if set
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};
std::string to_json(Run& run, const Value& value, const JsonStyle& style = {});

}  // namespace verge::text::jinja
