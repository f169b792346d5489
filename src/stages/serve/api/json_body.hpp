#pragma once
// The body of a request as JSON: text from anybody, checked before it costs anything.

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <verge/stages/serve/api/api_error.hpp>

namespace verge::serve::api {

/// Deepest nesting of arrays and objects; schemas of tools need about 20.
constexpr int kMaxJsonDepth = 64;
/// Most values of one body: they take ten times the memory of their text.
constexpr size_t kMaxJsonValues = 2'000'000;
/// Most members of one object: in the order they came, they are searched one by one.
constexpr size_t kMaxJsonMembers = 4096;

/// An object. Reports 400 for anything else: no JSON (with line and column), not UTF-8, nested
/// deeper than kMaxJsonDepth (found before any parsing), more than kMaxJsonValues values or
/// kMaxJsonMembers in an object.
nlohmann::ordered_json parse_body(std::string_view body, Problem& problem);

/// JSON inside of a string, of a model or a client; discarded (is_discarded()) when it is none, or
/// beyond the same limits.
nlohmann::ordered_json parse_inner(std::string_view text);

/// Of all strings in it, names of members left out.
size_t text_bytes(const nlohmann::ordered_json& json);

}  // namespace verge::serve::api
