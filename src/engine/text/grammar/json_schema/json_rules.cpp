#include <algorithm>

#include <fmt/format.h>

#include <verge/engine/text/grammar/json_schema/json_rules.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text::grammar {
namespace {

const CodePointSet kDigits = {{'0', '9'}};
const CodePointSet kDigits1To9 = {{'1', '9'}};
const CodePointSet kHex = {{'0', '9'}, {'A', 'F'}, {'a', 'f'}};

/// Characters that stand for themselves in a string.
const CodePointSet& plain() {
  static const CodePointSet set = normalized({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, kMaxCodePoint}});
  return set;
}

std::string escaped(char32_t c) {
  constexpr std::pair<char32_t, char> kShort[] = {
      {'"', '"'}, {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};
  for (const auto& [character, letter] : kShort) {
    if (c == character) return {'\\', letter};
  }
  return fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
}

}  // namespace

Node JsonRules::once(std::optional<Node>& kept, const char* name, Node (JsonRules::*make)()) {
  if (!kept) kept = rules_.named(name, (this->*make)());
  return *kept;
}

Node JsonRules::space() {
  return once(space_, "space", &JsonRules::make_space);
}

Node JsonRules::make_space() {
  const Node blanks = rules_.repeat(rules_.one_of({{' ', ' '}, {'\t', '\t'}}), 0, 20);
  return rules_.choice(
      {rules_.empty(), rules_.literal(" "), rules_.sequence({rules_.literal("\n"), blanks})});
}

Node JsonRules::comma() {
  return rules_.sequence({rules_.literal(","), space()});
}

// A pair of surrogate escapes is one character; half of one is none.
Node JsonRules::make_character() {
  const auto hex = [&](CodePointSet set) { return rules_.one_of(std::move(set)); };
  const auto any_hex = [&](int64_t count) { return rules_.repeat(hex(kHex), count, count); };
  const Node d = hex({{'D', 'D'}, {'d', 'd'}});
  const Node not_d = hex({{'0', '9'}, {'A', 'C'}, {'E', 'F'}, {'a', 'c'}, {'e', 'f'}});
  const Node single = rules_.choice(
      {rules_.sequence({not_d, any_hex(3)}), rules_.sequence({d, hex({{'0', '7'}}), any_hex(2)})});
  const Node high = rules_.sequence({d, hex({{'8', '9'}, {'A', 'B'}, {'a', 'b'}}), any_hex(2)});
  const Node low = rules_.sequence({d, hex({{'C', 'F'}, {'c', 'f'}}), any_hex(2)});
  const Node unicode = rules_.choice({single, rules_.sequence({high, rules_.literal("\\u"), low})});
  CodePointSet letters;
  for (const char letter : {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'}) {
    const auto c = static_cast<char32_t>(letter);
    letters.push_back({c, c});
  }
  const Node escape =
      rules_.choice({rules_.one_of(letters), rules_.sequence({rules_.literal("u"), unicode})});
  return rules_.choice({rules_.one_of(plain()), rules_.sequence({rules_.literal("\\"), escape})});
}

Node JsonRules::string(int64_t least, int64_t most) {
  const auto [found, is_new] = strings_.emplace(std::pair(least, most), -1);
  if (!is_new) return found->second;
  const Node character = once(character_, "character", &JsonRules::make_character);
  const Node quote = rules_.literal("\"");
  const Node body = rules_.sequence({quote, rules_.repeat(character, least, most), quote});
  return found->second = rules_.named("string", body);
}

Node JsonRules::encoded(const CodePointSet& set) {
  std::vector<Node> spellings;
  CodePointSet direct = intersection(set, plain());
  if (!direct.empty()) spellings.push_back(rules_.one_of(std::move(direct)));
  for (char32_t c = 0; c <= '\\'; ++c) {
    if ((c < 0x20 || c == '"' || c == '\\') && contains(set, c)) {
      spellings.push_back(rules_.literal(escaped(c)));
    }
  }
  return spellings.empty() ? rules_.never() : rules_.choice(std::move(spellings));
}

Node JsonRules::string_except(const std::vector<std::string>& names) {
  if (names.empty()) return string();
  std::vector<std::u32string> texts;
  for (const std::string& name : names) {
    const std::vector<char32_t> points = code_points(name);
    texts.emplace_back(points.begin(), points.end());
  }
  const Node any = rules_.named("character", encoded({{0, kMaxCodePoint}}));
  const Node rest = rules_.named(
      "rest of a string", rules_.sequence({rules_.repeat(any, 0, -1), rules_.literal("\"")}));
  return rules_.named("other name", rules_.sequence({rules_.literal("\""),
                                                     rest_except(std::move(texts), 0, rest)}));
}

// `names` agree in their first `at` characters, which have been read.
Node JsonRules::rest_except(std::vector<std::u32string> names, size_t at, Node rest) {
  std::map<char32_t, std::vector<std::u32string>> longer;
  bool is_name = false;
  for (std::u32string& name : names) {
    if (name.size() == at) {
      is_name = true;
    } else {
      longer[name[at]].push_back(std::move(name));
    }
  }
  std::vector<Node> ways;
  if (!is_name) ways.push_back(rules_.literal("\""));
  CodePointSet next;
  for (auto& [c, those] : longer) {
    next.push_back({c, c});
    ways.push_back(
        rules_.sequence({encoded({{c, c}}), rest_except(std::move(those), at + 1, rest)}));
  }
  ways.push_back(rules_.sequence({encoded(complement(normalized(next))), rest}));
  return rules_.choice(std::move(ways));
}

Node JsonRules::number() {
  return once(number_, "number", &JsonRules::make_number);
}

Node JsonRules::make_number() {
  const Node digit = rules_.one_of(kDigits);
  const Node whole =
      rules_.choice({rules_.literal("0"),
                     rules_.sequence({rules_.one_of(kDigits1To9), rules_.repeat(digit, 0, 15)})});
  const Node fraction = rules_.sequence({rules_.literal("."), rules_.repeat(digit, 1, 15)});
  const Node exponent = rules_.sequence({rules_.one_of({{'e', 'e'}, {'E', 'E'}}),
                                         rules_.optional(rules_.one_of({{'+', '+'}, {'-', '-'}})),
                                         rules_.repeat(digit, 1, 2)});
  return rules_.sequence({rules_.optional(rules_.literal("-")), whole, rules_.optional(fraction),
                          rules_.optional(exponent)});
}

Node JsonRules::boolean() {
  return rules_.choice({rules_.literal("true"), rules_.literal("false")});
}

Node JsonRules::member(Node name, Node value) {
  return rules_.sequence({name, rules_.literal(":"), space(), value});
}

Node JsonRules::bracketed(const char* open, Node part, const char* close) {
  const Node more = rules_.repeat(rules_.sequence({comma(), part}), 0, -1);
  return rules_.sequence({rules_.literal(open), space(),
                          rules_.optional(rules_.sequence({part, more, space()})),
                          rules_.literal(close)});
}

Node JsonRules::array(Node item) {
  return bracketed("[", item, "]");
}

Node JsonRules::object(Node member) {
  return bracketed("{", member, "}");
}

int32_t JsonRules::value_rule() {
  if (!value_rule_) value_rule_ = rules_.declare("value");
  return *value_rule_;
}

// Declared before it is made: values hold values.
Node JsonRules::value() {
  if (!value_) {
    value_ = rules_.call(value_rule());
    rules_.define(value_rule(), make_value());
  }
  return *value_;
}

Node JsonRules::make_value() {
  return rules_.choice(
      {any_object(), any_array(), string(), number(), boolean(), rules_.literal("null")});
}

Node JsonRules::any_array() {
  return once(any_array_, "array", &JsonRules::make_any_array);
}

Node JsonRules::make_any_array() {
  return array(value());
}

Node JsonRules::any_object() {
  return once(any_object_, "object", &JsonRules::make_any_object);
}

Node JsonRules::make_any_object() {
  return object(rules_.named("member", member(string(), value())));
}

}  // namespace verge::text::grammar
