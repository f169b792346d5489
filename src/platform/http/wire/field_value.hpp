#pragma once
// The small grammar of header values (RFC 9110, 5.6): tokens, lists, comparison without case.

#include <string_view>

namespace verge::http {

/// ASCII letters without case; other bytes as they are.
bool equal_without_case(std::string_view a, std::string_view b);

/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text);

/// Takes the next element of a comma-separated list off `list`, trimmed; empty elements included.
std::string_view next_element(std::string_view& list);

/// Whether `coding` may be used for the answer to a request with this Accept-Encoding (RFC 9110,
/// 12.5.3): named, or "*", with a weight above 0.
bool accepts_coding(std::string_view accept_encoding, std::string_view coding);

}  // namespace verge::http
