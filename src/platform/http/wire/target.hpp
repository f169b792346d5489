#pragma once
// The request target (RFC 9112, 3.2): its forms, its path and query, percent-encoding.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/platform/http/message.hpp>

namespace verge::http {

/// Nothing for a "%" without two hexadecimal digits, and for "%00".
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space = false);

struct Target {
  std::string_view path;   // encoded; begins with "/", or is "*"
  std::string_view query;  // encoded, without "?"
};

/// "/a?b", "http://host/a?b" and, for OPTIONS, "*". Malformed for everything else.
Result<Target> split_target(std::string_view method, std::string_view target);

/// "a=1&b&c=%20" as decoded pairs. Malformed for a wrong escape.
Result<std::vector<Field>> parse_query(std::string_view query);

}  // namespace verge::http
