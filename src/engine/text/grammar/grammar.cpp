#include <utility>

#include <nlohmann/json.hpp>

#include <verge/engine/text/grammar/automaton.hpp>
#include <verge/engine/text/grammar/gbnf.hpp>
#include <verge/engine/text/grammar/grammar.hpp>
#include <verge/engine/text/grammar/json_schema/json_rules.hpp>
#include <verge/engine/text/grammar/json_schema/regex.hpp>
#include <verge/engine/text/grammar/json_schema/schema.hpp>
#include <verge/engine/text/grammar/recognizer.hpp>
#include <verge/engine/text/grammar/rules.hpp>

namespace verge::text {
namespace {

using grammar::JsonRules;
using grammar::Node;
using grammar::Rules;

constexpr size_t kMaxSchemaBytes = size_t{1} << 20;
constexpr size_t kMaxRegexBytes = size_t{64} << 10;

}  // namespace

Grammar::Grammar(std::string kind, grammar::Automaton automaton)
    : kind_(std::move(kind)),
      automaton_(std::make_unique<const grammar::Automaton>(std::move(automaton))) {}

Grammar::~Grammar() = default;

Result<std::shared_ptr<const Grammar>> Grammar::compile(std::string kind,
                                                        const grammar::Rules& rules, int32_t root) {
  VERGE_TRY(grammar::Automaton automaton, grammar::Automaton::compile(rules, root));
  return std::shared_ptr<const Grammar>(new Grammar(std::move(kind), std::move(automaton)));
}

Result<std::shared_ptr<const Grammar>> Grammar::from_gbnf(std::string_view text) {
  VERGE_TRY(const grammar::ParsedGrammar parsed, grammar::parse_gbnf(text));
  return compile("the grammar", parsed.rules, parsed.root);
}

Result<std::shared_ptr<const Grammar>> Grammar::from_regex(std::string_view pattern) {
  if (pattern.size() > kMaxRegexBytes) {
    return make_error(Code::Unsupported, "regular expression: {} bytes; at most {} are read",
                      pattern.size(), kMaxRegexBytes);
  }
  Rules rules;
  const int32_t root = rules.declare("root");
  const auto read = grammar::read_whole_regex(pattern, rules);
  if (!read) {
    return make_error(read.error().code, "regular expression: {}", read.error().message);
  }
  rules.define(root, *read);
  return compile("the regular expression", rules, root);
}

Result<std::shared_ptr<const Grammar>> Grammar::from_json_schema(std::string_view text) {
  if (text.size() > kMaxSchemaBytes) {
    return make_error(Code::Unsupported, "JSON schema: {} bytes; at most {} are read", text.size(),
                      kMaxSchemaBytes);
  }
  const auto schema = nlohmann::ordered_json::parse(text, nullptr, false);
  if (schema.is_discarded())
    return make_error(Code::Malformed, "JSON schema: the text is not JSON");
  return from_schema(schema);
}

Result<std::shared_ptr<const Grammar>> Grammar::from_schema(const nlohmann::ordered_json& schema) {
  Rules rules;
  VERGE_TRY(const int32_t root, grammar::compile_schema(schema, rules));
  auto compiled = compile("the JSON schema", rules, root);
  if (compiled) return compiled;
  // The rules are named for their places in the schema.
  return make_error(compiled.error().code, "JSON schema: {}", compiled.error().message);
}

std::shared_ptr<const Grammar> Grammar::any_json() {
  Rules rules;
  const int32_t root = rules.declare("root");
  rules.define(root, JsonRules(rules).value());
  return compile("the JSON grammar", rules, root).value();
}

std::shared_ptr<const Grammar> Grammar::json_object() {
  Rules rules;
  const int32_t root = rules.declare("root");
  rules.define(root, JsonRules(rules).any_object());
  return compile("the grammar of JSON objects", rules, root).value();
}

bool Grammar::matches(std::string_view text) const {
  return grammar::matches(*automaton_, text);
}

bool Grammar::matches_prefix(std::string_view text) const {
  return grammar::matches_prefix(*automaton_, text);
}

}  // namespace verge::text
