#pragma once
// Formats of strings in JSON schemas, as regular expressions that read_regex() reads.

#include <string>
#include <string_view>

namespace verge::text::grammar {

/// date, time, date-time (RFC 3339; real days of the calendar, no leap seconds), uuid (RFC 4122),
/// email (RFC 5321 without quoted names and address literals), ipv4, hostname. Empty for others.
std::string format_pattern(std::string_view format);

/// The names above, for errors.
std::string_view format_names();

}  // namespace verge::text::grammar
