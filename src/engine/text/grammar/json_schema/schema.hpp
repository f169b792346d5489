#pragma once
// JSON schemas (draft 2020-12, the keywords that clients use) as rules. Every text of the rules is
// valid; where a schema leaves room, the rules are narrower:
//   - properties come in the schema's order, and only those it names unless additionalProperties is
//     `true` or a schema; a missing `type` is the one its keywords speak of;
//   - arrays hold all of prefixItems, and nothing behind them unless `items` says what;
//   - integers have at most 18 digits, numbers 16 and 15 behind the point (6 within bounds);
//     counts and lengths end at 10,000;
//   - oneOf is anyOf: a text may be valid for two of its schemas.
//
// Read: type (and lists of types), nullable, enum, const, properties, required,
// additionalProperties, minProperties and maxProperties without properties, items, prefixItems,
// minItems, maxItems, minLength, maxLength, pattern (regex.hpp), format (formats.hpp), minimum,
// maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, anyOf, oneOf, allOf, $ref into the same
// document, $defs, definitions, true and false. Ignored, as the standard has it: annotations
// (title, description, default, examples ...), and what is no keyword of it. Refused by name:
// everything else.

#include <cstdint>

#include <nlohmann/json_fwd.hpp>

#include <verge/core/result.hpp>
#include <verge/engine/text/grammar/rules.hpp>

namespace verge::text::grammar {

/// Bounds against schemas that are small and mean much.
constexpr int kMaxSchemaDepth = 64;      // schemas inside one another, allOf and $ref followed
constexpr int kMaxSchemaVisits = 20000;  // schemas read and merged
constexpr int64_t kMaxEnum = 10000;
constexpr int64_t kMaxLength = 10000;  // of strings and arrays

/// The rule for whole texts. Errors name the place in the schema as a JSON pointer and the keyword.
Result<int32_t> compile_schema(const nlohmann::ordered_json& schema, Rules& rules);

}  // namespace verge::text::grammar
