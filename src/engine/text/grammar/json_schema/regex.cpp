#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <verge/engine/text/grammar/json_schema/regex.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text::grammar {
namespace {

constexpr int kMaxRegexGroups = 32;  // inside one another
constexpr int64_t kMaxCount = 10000;

const CodePointSet kDigitClass = {{'0', '9'}};
const CodePointSet kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CodePointSet kSpace = {{9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                             {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                             {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const CodePointSet kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
const CodePointSet kAll = {{0, kMaxCodePoint}};

int64_t add(int64_t a, int64_t b) {
  return a < 0 || b < 0 ? -1 : std::min<int64_t>(a + b, int64_t{1} << 40);
}

int64_t times(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  return a < 0 || b < 0 ? -1 : std::min<int64_t>(a * b, int64_t{1} << 40);
}

class RegexParser {
 public:
  // `json`: characters as they stand within a JSON string, any text around; null: the whole text.
  RegexParser(std::string_view pattern, Rules& rules, JsonRules* json)
      : text_(code_points(pattern)), json_(json), rules_(rules) {}

  Result<RegexRules> parse() {
    VERGE_TRY(RegexRules all, parse_alternatives(true));
    if (!done()) return malformed("')' closes no group");
    return all;
  }

 private:
  Error fail(Code code, std::string_view what) const {
    return make_error(code, "character {}: {}", at_ + 1, what);
  }
  Error malformed(std::string_view what) const { return fail(Code::Malformed, what); }
  Error unsupported(std::string_view what) const { return fail(Code::Unsupported, what); }
  bool done() const { return at_ >= text_.size(); }
  char32_t peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : U'\0';
  }
  bool take(char32_t wanted) {
    if (done() || peek() != wanted) return false;
    ++at_;
    return true;
  }

  RegexRules characters(CodePointSet set) {
    set = normalized(std::move(set));
    return {json_ != nullptr ? json_->encoded(set) : rules_.one_of(std::move(set)), 1, 1};
  }
  RegexRules any_text() { return {rules_.repeat(characters(kAll).node, 0, -1), 0, -1}; }

  Result<RegexRules> parse_alternatives(bool outermost) {
    std::vector<Node> ways;
    RegexRules all{-1, INT64_MAX, 0};
    do {
      VERGE_TRY(const RegexRules one, parse_sequence(outermost));
      ways.push_back(one.node);
      all.least = std::min(all.least, one.least);
      all.most = all.most < 0 || one.most < 0 ? -1 : std::max(all.most, one.most);
    } while (take('|'));
    all.node = rules_.choice(std::move(ways));
    return all;
  }

  static void append(RegexRules& all, std::vector<Node>& parts, const RegexRules& part) {
    parts.push_back(part.node);
    all.least = add(all.least, part.least);
    all.most = add(all.most, part.most);
  }

  Result<RegexRules> parse_sequence(bool outermost) {
    RegexRules all;
    std::vector<Node> parts;
    const bool from_start = outermost && take('^');
    if (outermost && !from_start && json_ != nullptr) append(all, parts, any_text());
    bool to_end = false;
    while (!done() && peek() != '|' && peek() != ')' && !to_end) {
      to_end = outermost && peek() == '$' && (at_ + 1 == text_.size() || peek(1) == '|');
      if (to_end) {
        ++at_;
        break;
      }
      VERGE_TRY(RegexRules part, parse_part());
      VERGE_TRY(part, parse_repeats(part));
      append(all, parts, part);
    }
    if (outermost && !to_end && json_ != nullptr) append(all, parts, any_text());
    all.node = rules_.sequence(std::move(parts));
    return all;
  }

  Result<RegexRules> parse_part() {
    const char32_t c = peek();
    switch (c) {
      case '(':
        return parse_group();
      case '[': {
        VERGE_TRY(CodePointSet set, parse_class());
        return characters(std::move(set));
      }
      case '.':
        ++at_;
        return characters(complement(kLineEnds));
      case '^':
      case '$':
        return unsupported("'^' and '$' may only stand around a whole alternative");
      case '*':
      case '+':
      case '?':
        return malformed("nothing stands before the repetition");
      case '\\': {
        VERGE_TRY(CodePointSet set, parse_escape(false));
        return characters(std::move(set));
      }
      default:
        if (c >= 0xD800 && c <= 0xDFFF) return malformed("not a character of Unicode");
        ++at_;
        return characters({{c, c}});
    }
  }

  Result<RegexRules> parse_group() {
    ++at_;
    if (take('?')) {
      const bool is_named = peek() == '<' && peek(1) != '=' && peek(1) != '!';
      if (is_named) {
        while (!done() && !take('>')) ++at_;
      } else if (!take(':')) {
        return unsupported("look-around is not supported");
      }
    }
    if (++depth_ > kMaxRegexGroups) return unsupported("too many groups inside one another");
    VERGE_TRY(RegexRules body, parse_alternatives(false));
    if (!take(')')) return malformed("the group has no closing ')'");
    --depth_;
    return body;
  }

  // Whether the text goes on with {n}, {n,} or {n,m}; a '{' that does not is itself.
  bool take_counts(int64_t& least, int64_t& most) {
    size_t end = at_ + 1;
    const auto number = [&](int64_t otherwise) {
      if (end >= text_.size() || text_[end] < '0' || text_[end] > '9') return otherwise;
      int64_t value = 0;
      for (; end < text_.size() && text_[end] >= '0' && text_[end] <= '9'; ++end) {
        value = std::min<int64_t>(value * 10 + (text_[end] - '0'), kMaxCount + 1);
      }
      return value;
    };
    least = number(-2);
    most = least;
    if (end < text_.size() && text_[end] == ',') {
      ++end;
      most = number(-1);
    }
    if (least < 0 || end >= text_.size() || text_[end] != '}') return false;
    at_ = end + 1;
    return true;
  }

  Result<RegexRules> parse_repeats(RegexRules part) {
    int64_t least = 0, most = -1;
    if (take('+')) {
      least = 1;
    } else if (take('?')) {
      most = 1;
    } else if (!take('*') && !(peek() == '{' && take_counts(least, most))) {
      return part;
    }
    take('?');  // lazy or greedy, the texts are the same
    if (least > kMaxCount || most > kMaxCount) return unsupported("more than 10000 repetitions");
    if (most >= 0 && most < least) return malformed("the repetition's counts run backwards");
    if (!done() && (peek() == '*' || peek() == '+' || peek() == '?')) {
      return malformed("nothing stands before the repetition");
    }
    return RegexRules{rules_.repeat(part.node, least, most), times(part.least, least),
                      times(part.most, most)};
  }

  Result<CodePointSet> parse_class() {
    ++at_;
    const bool negated = take('^');
    CodePointSet set;
    while (!take(']')) {
      if (done()) return malformed("the class has no closing ']'");
      VERGE_TRY(CodePointSet first, parse_class_part());
      const bool is_range = peek() == '-' && peek(1) != ']' && at_ + 1 < text_.size();
      if (is_range) {
        ++at_;
        VERGE_TRY(const CodePointSet last, parse_class_part());
        const bool singles = is_single(first) && is_single(last);
        if (!singles || last[0].first < first[0].first) return malformed("the range is none");
        first[0].last = last[0].first;
      }
      set.insert(set.end(), first.begin(), first.end());
    }
    set = normalized(std::move(set));
    return negated ? complement(set) : set;
  }

  static bool is_single(const CodePointSet& set) {
    return set.size() == 1 && set[0].first == set[0].last;
  }

  Result<CodePointSet> parse_class_part() {
    if (done()) return malformed("the class has no closing ']'");
    if (peek() == '\\') return parse_escape(true);
    const char32_t c = text_[at_++];
    return CodePointSet{{c, c}};
  }

  Result<CodePointSet> parse_escape(bool in_class) {
    if (at_ + 1 >= text_.size()) return malformed("the text ends in '\\'");
    const char32_t c = text_[at_ + 1];
    const std::pair<char32_t, CodePointSet> sets[] = {
        {'d', kDigitClass}, {'D', complement(kDigitClass)},
        {'w', kWord},       {'W', complement(kWord)},
        {'s', kSpace},      {'S', complement(kSpace)},
        {'t', {{9, 9}}},    {'n', {{10, 10}}},
        {'v', {{11, 11}}},  {'f', {{12, 12}}},
        {'r', {{13, 13}}}};
    for (const auto& [letter, set] : sets) {
      if (c != letter) continue;
      at_ += 2;
      return set;
    }
    if (c == 'x' || c == 'u') return parse_hex(c == 'x' ? 2 : 4);
    if (c == 'b' && in_class) {
      at_ += 2;
      return CodePointSet{{8, 8}};
    }
    if (c == '0' && !(peek(2) >= '0' && peek(2) <= '9')) {
      at_ += 2;
      return CodePointSet{{0, 0}};
    }
    if (c < 0x80 && contains(kWord, c) && c != '_') {
      return unsupported("this escape is not supported");
    }
    at_ += 2;
    return CodePointSet{{c, c}};
  }

  Result<CodePointSet> parse_hex(int digits) {
    at_ += 2;
    const bool braces = digits == 4 && take('{');
    char32_t value = 0;
    int count = 0;
    for (; !done() && (braces ? peek() != '}' : count < digits); ++count, ++at_) {
      const char32_t c = peek();
      const bool is_digit = c >= '0' && c <= '9';
      const char32_t lower = c | 0x20;
      if (!is_digit && !(lower >= 'a' && lower <= 'f')) break;
      value = value * 16 + (is_digit ? c - '0' : lower - 'a' + 10);
      if (value > kMaxCodePoint) break;
    }
    const bool complete = braces ? count > 0 && take('}') : count == digits;
    if (!complete || value > kMaxCodePoint) return malformed("the escape is not a character");
    if (value >= 0xD800 && value <= 0xDFFF) return unsupported("surrogates are not supported");
    return CodePointSet{{value, value}};
  }

  std::vector<char32_t> text_;
  size_t at_ = 0;
  int depth_ = 0;
  JsonRules* json_;
  Rules& rules_;
};

}  // namespace

Result<RegexRules> read_regex(std::string_view pattern, JsonRules& json) {
  return RegexParser(pattern, json.rules(), &json).parse();
}

Result<Node> read_whole_regex(std::string_view pattern, Rules& rules) {
  VERGE_TRY(const RegexRules read, RegexParser(pattern, rules, nullptr).parse());
  return read.node;
}

}  // namespace verge::text::grammar
