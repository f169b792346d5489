#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <verge/engine/text/grammar/gbnf.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text::grammar {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class GbnfParser {
 public:
  explicit GbnfParser(std::string_view text) : text_(text) {}

  Result<ParsedGrammar> parse();

 private:
  struct Bounds {
    int64_t least, most;
  };

  Error error_at(size_t at, Code code, std::string_view what) const;
  Error error(std::string_view what) const { return error_at(at_, Code::Malformed, what); }
  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(std::string_view wanted);
  void skip_space(bool over_lines);

  Status parse_rule();
  Result<Node> parse_alternatives(bool grouped);
  Result<Node> parse_sequence(bool grouped);
  Result<Node> parse_part();
  Result<Node> parse_group();
  Result<Node> parse_literal();
  Result<Node> parse_class();
  Result<char32_t> parse_character();
  Result<char32_t> parse_escape();
  Result<Node> parse_repeats(Node part, bool grouped);
  Result<Bounds> parse_bounds();
  Result<int64_t> parse_count();
  int32_t rule_named(std::string_view name);
  std::string_view parse_name();

  std::string_view text_;
  size_t at_ = 0;
  int groups_ = 0;
  Rules rules_;
  std::map<std::string, int32_t, std::less<>> names_;
  std::map<int32_t, size_t> first_use_;  // of rules, for those never defined
};

Error GbnfParser::error_at(size_t at, Code code, std::string_view what) const {
  const std::string_view before = text_.substr(0, at);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return make_error(code, "grammar: line {}, column {}: {}", std::ranges::count(before, '\n') + 1,
                    code_points(before.substr(line_start)).size() + 1, what);
}

bool GbnfParser::take(std::string_view wanted) {
  if (!text_.substr(at_).starts_with(wanted)) return false;
  at_ += wanted.size();
  return true;
}

void GbnfParser::skip_space(bool over_lines) {
  for (; !done(); ++at_) {
    const char c = peek();
    if (c == '#') {
      at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      if (done()) return;
    }
    const bool line_end = peek() == '\n' || peek() == '\r';
    if (peek() != ' ' && peek() != '\t' && !(line_end && over_lines)) return;
  }
}

std::string_view GbnfParser::parse_name() {
  const size_t start = at_;
  while (is_name(peek())) ++at_;
  return text_.substr(start, at_ - start);
}

int32_t GbnfParser::rule_named(std::string_view name) {
  const auto found = names_.find(name);
  if (found != names_.end()) return found->second;
  const int32_t rule = rules_.declare(std::string(name));
  names_.emplace(name, rule);
  return rule;
}

Result<ParsedGrammar> GbnfParser::parse() {
  if (text_.size() > kMaxGrammarBytes) {
    return make_error(Code::Unsupported, "grammar: {} bytes; at most {} are read", text_.size(),
                      kMaxGrammarBytes);
  }
  skip_space(true);
  while (!done()) VERGE_RETURN_IF_ERROR(parse_rule());
  if (rules_.full()) {
    return make_error(Code::Unsupported, "grammar: more than {} parts of rules; use fewer",
                      kMaxNodes);
  }
  for (const auto& [rule, at] : first_use_) {
    if (rules_.rule(rule).body >= 0) continue;
    return error_at(at, Code::Malformed,
                    fmt::format("rule '{}' is not defined", rules_.rule(rule).name));
  }
  const auto root = names_.find("root");
  if (root == names_.end()) {
    return make_error(Code::Malformed,
                      "grammar: there is no rule 'root', where every answer starts");
  }
  return ParsedGrammar{std::move(rules_), root->second};
}

Status GbnfParser::parse_rule() {
  const size_t start = at_;
  const std::string_view name = parse_name();
  if (name.empty()) return error("expected a rule's name");
  skip_space(false);
  if (!take("::=")) return error(fmt::format("expected ::= after the name '{}'", name));
  skip_space(true);
  const int32_t rule = rule_named(name);
  if (rules_.rule(rule).body >= 0) {
    return error_at(start, Code::Malformed, fmt::format("rule '{}' is defined twice", name));
  }
  VERGE_TRY(const Node body, parse_alternatives(false));
  rules_.define(rule, body);
  if (!done() && peek() != '\n' && peek() != '\r') {
    return error("expected a part of a rule or the end of the line");
  }
  skip_space(true);
  return {};
}

Result<Node> GbnfParser::parse_alternatives(bool grouped) {
  std::vector<Node> alternatives;
  do {
    if (!alternatives.empty()) skip_space(true);
    VERGE_TRY(const Node sequence, parse_sequence(grouped));
    alternatives.push_back(sequence);
  } while (take("|"));
  return rules_.choice(std::move(alternatives));
}

Result<Node> GbnfParser::parse_sequence(bool grouped) {
  std::vector<Node> parts;
  constexpr std::string_view kStarts = "\"[(.<!";
  while (is_name(peek()) || (!done() && kStarts.find(peek()) != std::string_view::npos)) {
    VERGE_TRY(Node part, parse_part());
    skip_space(grouped);
    VERGE_TRY(part, parse_repeats(part, grouped));
    parts.push_back(part);
  }
  if (!done() && std::string_view("*+?{").find(peek()) != std::string_view::npos) {
    return error("nothing stands before the repetition");
  }
  return rules_.sequence(std::move(parts));
}

Result<Node> GbnfParser::parse_part() {
  switch (peek()) {
    case '"':
      return parse_literal();
    case '[':
      return parse_class();
    case '(':
      return parse_group();
    case '.':
      ++at_;
      return rules_.one_of({{0, kMaxCodePoint}});
    case '<':
    case '!':
      return error_at(at_, Code::Unsupported,
                      "tokens in angle brackets depend on one vocabulary; write their text");
    default: {
      const size_t start = at_;
      const int32_t rule = rule_named(parse_name());
      first_use_.emplace(rule, start);
      return rules_.call(rule);
    }
  }
}

Result<Node> GbnfParser::parse_group() {
  const size_t start = at_++;
  if (++groups_ > kMaxGroups) {
    return error_at(start, Code::Unsupported,
                    fmt::format("more than {} groups inside one another", kMaxGroups));
  }
  skip_space(true);
  VERGE_TRY(const Node body, parse_alternatives(true));
  if (!take(")")) return error("expected ')' or a part of the group");
  --groups_;
  return body;
}

Result<Node> GbnfParser::parse_literal() {
  const size_t start = at_++;
  std::string bytes;
  while (!take("\"")) {
    if (done()) return error_at(start, Code::Malformed, "the literal has no closing '\"'");
    VERGE_TRY(const char32_t character, parse_character());
    append_utf8(bytes, character);
  }
  return rules_.literal(std::move(bytes));
}

Result<Node> GbnfParser::parse_class() {
  const size_t start = at_++;
  const bool negated = take("^");
  CodePointSet set;
  while (!take("]")) {
    if (done()) return error_at(start, Code::Malformed, "the class has no closing ']'");
    const size_t range_start = at_;
    VERGE_TRY(const char32_t first, parse_character());
    char32_t last = first;
    if (peek() == '-' && text_.substr(at_ + 1, 1) != "]" && at_ + 1 < text_.size()) {
      ++at_;
      VERGE_TRY(last, parse_character());
    }
    if (last < first) return error_at(range_start, Code::Malformed, "the range runs backwards");
    set.push_back({first, last});
  }
  if (set.empty()) return error_at(start, Code::Malformed, "the class has no characters");
  set = normalized(std::move(set));
  return rules_.one_of(negated ? complement(set) : set);
}

Result<char32_t> GbnfParser::parse_character() {
  if (peek() == '\\') return parse_escape();
  const size_t start = at_;
  const char32_t character = next_code_point(text_, at_);
  const bool broken = character == kReplacement && at_ - start == 1;
  if (broken || (character >= 0xD800 && character <= 0xDFFF)) {
    return error_at(start, Code::Malformed, "the text is not UTF-8");
  }
  return character;
}

Result<char32_t> GbnfParser::parse_escape() {
  const size_t start = at_++;
  const char kind = peek();
  ++at_;
  constexpr std::pair<char, char32_t> kSingle[] = {
      {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'\\', '\\'}, {'"', '"'}, {'[', '['}, {']', ']'}};
  for (const auto& [letter, character] : kSingle) {
    if (kind == letter) return character;
  }
  const int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits == 0) return error_at(start, Code::Malformed, "unknown escape");
  char32_t value = 0;
  for (int i = 0; i < digits; ++i, ++at_) {
    const int digit = hex_value(peek());
    if (digit < 0) {
      return error_at(start, Code::Malformed,
                      fmt::format("\\{} needs {} hex digits", kind, digits));
    }
    value = value * 16 + static_cast<char32_t>(digit);
  }
  if (value > kMaxCodePoint || (value >= 0xD800 && value <= 0xDFFF)) {
    return error_at(start, Code::Malformed, "the escape is not a character of Unicode");
  }
  return value;
}

Result<Node> GbnfParser::parse_repeats(Node part, bool grouped) {
  for (int count = 0; !done(); ++count) {
    Bounds bounds{0, -1};
    if (take("+")) {
      bounds.least = 1;
    } else if (take("?")) {
      bounds.most = 1;
    } else if (peek() == '{') {
      VERGE_TRY(bounds, parse_bounds());
    } else if (!take("*")) {
      break;
    }
    if (count == kMaxGroups) return error("too many repetitions of one part");
    part = rules_.repeat(part, bounds.least, bounds.most);
    skip_space(grouped);
  }
  return part;
}

Result<GbnfParser::Bounds> GbnfParser::parse_bounds() {
  const size_t start = at_++;
  skip_space(true);
  Bounds bounds{0, 0};
  if (peek() != ',') {
    VERGE_TRY(bounds.least, parse_count());
  }
  bounds.most = bounds.least;
  skip_space(true);
  if (take(",")) {
    skip_space(true);
    bounds.most = -1;
    if (peek() != '}') {
      VERGE_TRY(bounds.most, parse_count());
    }
    skip_space(true);
  }
  if (!take("}")) return error("expected '}' after the repetition's counts");
  if (bounds.most >= 0 && bounds.most < bounds.least) {
    return error_at(start, Code::Malformed, "the repetition's counts run backwards");
  }
  return bounds;
}

Result<int64_t> GbnfParser::parse_count() {
  const size_t start = at_;
  int64_t count = 0;
  for (; peek() >= '0' && peek() <= '9' && count <= kMaxRepeats; ++at_) {
    count = count * 10 + (peek() - '0');
  }
  if (at_ == start) return error("expected a count");
  if (count > kMaxRepeats) {
    return error_at(start, Code::Unsupported,
                    fmt::format("at most {} repetitions are counted", kMaxRepeats));
  }
  return count;
}

}  // namespace

Result<ParsedGrammar> parse_gbnf(std::string_view text) {
  return GbnfParser(text).parse();
}

}  // namespace verge::text::grammar
