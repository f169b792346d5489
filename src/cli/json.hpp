#pragma once
// What --json prints.

#include <iosfwd>

#include <nlohmann/json.hpp>

namespace verge::cli {

using Json = nlohmann::ordered_json;

/// One line, flushed; bytes that are no UTF-8 (of a file's name, of half a character) become
/// U+FFFD.
void print_json_line(const Json& json, std::ostream& out);

}  // namespace verge::cli
