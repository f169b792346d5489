#include <algorithm>
#include <cctype>

#include <verge/engine/text/jinja/lexer.hpp>
#include <verge/engine/text/jinja/strings.hpp>

namespace verge::text::jinja {
namespace {

bool is_name(char c, bool first) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (!first && c >= '0' && c <= '9');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

/// Line breaks become \n and the last one goes, as in Jinja (keep_trailing_newline is off).
std::string normalized(std::string_view source) {
  std::string text = replace(replace(source, "\r\n", "\n"), "\r", "\n");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6), tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12), tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | code >> 18), tail(12), tail(6), tail(0);
  }
}

class Lexer {
 public:
  Lexer(Run& run, std::string_view source) : run_(run), source_(normalized(source)) {}

  std::vector<Token> tokenize() {
    while (at_ < source_.size()) lex_text();
    add(TokenKind::End, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  bool next_is(std::string_view text) const { return rest().starts_with(text); }

  void advance(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const bool line_break = source_[at_++] == '\n';
      position_.line += line_break;
      position_.column = line_break ? 1 : position_.column + 1;
    }
    run_.at = position_;
  }
  void skip_space() {
    constexpr std::string_view kSpace = " \t\n\r\v\f";
    advance(std::min(rest().find_first_not_of(kSpace), rest().size()));
  }
  void add(TokenKind kind, std::string text) {
    run_.step();
    tokens_.push_back({kind, std::move(text), position_});
  }

  // --- Text and the tags that end it ---

  size_t find_tag() const {
    for (size_t i = at_; (i = source_.find('{', i)) != std::string::npos; ++i) {
      const char next = i + 1 < source_.size() ? source_[i + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') return i;
    }
    return source_.size();
  }

  /// The text before a tag, as the tag's sign leaves it.
  std::string_view before_tag(std::string_view text, char sign, bool is_output) const {
    if (sign == '-') return strip(text, Side::Right);
    if (sign == '+' || is_output) return text;
    const size_t line = text.rfind('\n') + 1;  // npos + 1 is 0: the text has no line break
    if (line == 0 && !line_start_) return text;
    return strip(text.substr(line)).empty() ? text.substr(0, line) : text;
  }

  void add_text(std::string_view text) {
    if (!text.empty()) add(TokenKind::Text, std::string(text));
  }

  char take_sign() {
    const char sign = peek();
    if (sign != '-' && sign != '+') return '\0';
    advance(1);
    return sign;
  }

  void lex_text() {
    const size_t tag = find_tag();
    const std::string_view text = rest().substr(0, tag - at_);
    if (tag == source_.size()) {
      add_text(text);
      return advance(text.size());
    }
    const char kind = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    add_text(before_tag(text, sign, kind == '{'));
    advance(text.size());
    if (kind == '#') return lex_comment();
    if (kind == '%' && lex_raw()) return;
    const Position begin = position_;
    tokens_.push_back({kind == '{' ? TokenKind::OutputBegin : TokenKind::BlockBegin, "", begin});
    advance(2);
    take_sign();
    lex_tag(kind == '{', begin);
  }

  /// After a tag: '-' swallows white space; otherwise a block swallows one line break.
  void after_tag(char sign, bool trims) {
    if (sign == '-') {
      const std::string_view text = rest();
      advance(text.size() - strip(text, Side::Left).size());
    } else if (sign != '+' && trims && peek() == '\n') {
      advance(1);
    }
    line_start_ = source_[at_ - 1] == '\n';
  }

  void lex_comment() {
    const Position begin = position_;
    advance(2);
    take_sign();
    const size_t length = rest().find("#}");
    if (length == std::string_view::npos) {
      run_.at = begin;
      run_.fail("the comment is never closed; write #}}");
    }
    const char sign = length > 0 ? rest()[length - 1] : '\0';
    advance(length + 2);
    after_tag(sign, true);
  }

  /// `{% name %}` at the start of `text`: its length and signs; length 0 if it is not that.
  struct RawTag {
    size_t length;
    char before, after;
  };
  static RawTag raw_tag(std::string_view text, std::string_view name) {
    const size_t size = text.size();
    RawTag tag{0, '\0', '\0'};
    text.remove_prefix(2);
    if (text.starts_with('-') || text.starts_with('+')) {
      tag.before = text[0];
      text.remove_prefix(1);
    }
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
    if (!text.starts_with(name)) return tag;
    text.remove_prefix(name.size());
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
    if (text.starts_with('-') || text.starts_with('+')) {
      tag.after = text[0];
      text.remove_prefix(1);
    }
    if (text.starts_with("%}")) tag.length = size - text.size() + 2;
    return tag;
  }

  bool lex_raw() {
    const RawTag open = raw_tag(rest(), "raw");
    if (open.length == 0) return false;
    const Position begin = position_;
    advance(open.length);
    after_tag(open.after, false);
    for (size_t end = 0; (end = rest().find("{%", end)) != std::string_view::npos; end += 2) {
      const RawTag close = raw_tag(rest().substr(end), "endraw");
      if (close.length == 0) continue;
      add_text(before_tag(rest().substr(0, end), close.before, false));
      advance(end + close.length);
      after_tag(close.after, true);
      return true;
    }
    run_.at = begin;
    run_.fail("raw is never closed; write {{% endraw %}}");
  }

  // --- Inside a tag ---

  void lex_tag(bool is_output, Position begin) {
    const std::string_view end = is_output ? "}}" : "%}";
    for (;;) {
      skip_space();
      if (at_ == source_.size()) {
        run_.at = begin;
        run_.fail("the tag is never closed; write {}", end);
      }
      const bool has_sign = peek() == '-' || (peek() == '+' && !is_output);
      if (brackets_.empty() && rest().substr(has_sign).starts_with(end)) {
        add(is_output ? TokenKind::OutputEnd : TokenKind::BlockEnd, "");
        const char sign = has_sign ? peek() : '\0';
        advance(end.size() + has_sign);
        return after_tag(sign, !is_output);
      }
      lex_token();
    }
  }

  void lex_token() {
    const char c = peek();
    if (is_name(c, true)) return lex_name();
    if (is_digit(c)) return lex_number();
    if (c == '"' || c == '\'') return lex_string();
    lex_operator();
  }

  void lex_name() {
    size_t length = 1;
    while (is_name(peek(length), false)) ++length;
    add(TokenKind::Name, std::string(rest().substr(0, length)));
    advance(length);
  }

  void lex_number() {
    std::string digits;
    size_t length = 0;
    bool is_float = false;
    const auto take_digits = [&] {
      for (; is_digit(peek(length)) || (peek(length) == '_' && is_digit(peek(length + 1)));
           ++length) {
        if (peek(length) != '_') digits += peek(length);
      }
    };
    take_digits();
    if (peek(length) == '.' && is_digit(peek(length + 1))) {
      is_float = true;
      digits += peek(length++);
      take_digits();
    }
    const size_t sign = peek(length + 1) == '+' || peek(length + 1) == '-';
    if ((peek(length) == 'e' || peek(length) == 'E') && is_digit(peek(length + 1 + sign))) {
      is_float = true;
      digits += rest().substr(length, 1 + sign);
      length += 1 + sign;
      take_digits();
    }
    add(is_float ? TokenKind::Float : TokenKind::Integer, digits);
    advance(length);
  }

  void lex_string() {
    const Position begin = position_;
    const char quote = peek();
    advance(1);
    std::string text;
    while (peek() != quote) {
      if (at_ == source_.size()) {
        run_.at = begin;
        run_.fail("the string is never closed; write {}", quote);
      }
      if (peek() == '\\' && at_ + 1 < source_.size()) {
        lex_escape(text);
      } else {
        text += peek();
        advance(1);
      }
    }
    tokens_.push_back({TokenKind::String, std::move(text), begin});
    advance(1);
  }

  /// Python's escapes; one that Python does not know stays as it is written.
  void lex_escape(std::string& text) {
    constexpr std::string_view kLetters = "ntrbfav\\'\"", kMeant = "\n\t\r\b\f\a\v\\'\"";
    const char c = peek(1);
    if (c == '\n') return advance(2);
    if (const size_t known = kLetters.find(c); known != kLetters.npos) {
      text += kMeant[known];
      return advance(2);
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    const std::string_view hex = rest().substr(2, digits);
    if (digits == 0 || hex.size() < digits || !std::all_of(hex.begin(), hex.end(), is_hex)) {
      text += '\\';
      return advance(1);
    }
    const uint64_t code = std::stoull(std::string(hex), nullptr, 16);
    if (code > 0x10FFFF) run_.fail("\\{}{} is no character", c, hex);
    append_utf8(text, static_cast<uint32_t>(code));
    advance(2 + digits);
  }

  void lex_operator() {
    constexpr std::string_view kOperators[] = {"//", "**", "==", "!=", "<=", ">=", "+", "-", "*",
                                               "/",  "%",  "~",  "<",  ">",  "=",  "(", ")", "[",
                                               "]",  "{",  "}",  ".",  ",",  ":",  "|", ";"};
    for (std::string_view candidate : kOperators) {
      if (!next_is(candidate)) continue;
      balance(candidate[0]);
      add(TokenKind::Operator, std::string(candidate));
      return advance(candidate.size());
    }
    run_.fail("unexpected character '{}'", characters(rest().substr(0, 4))[0]);
  }

  /// Inside brackets }} and %} end no tag: {{ {'a': {}} }}.
  void balance(char c) {
    constexpr std::string_view kOpen = "([{", kClose = ")]}";
    if (kOpen.find(c) != kOpen.npos) brackets_ += kClose[kOpen.find(c)];
    if (kClose.find(c) == kClose.npos) return;
    if (brackets_.empty()) run_.fail("'{}' closes nothing", c);
    if (brackets_.back() != c) run_.fail("'{}' where '{}' is expected", c, brackets_.back());
    brackets_.pop_back();
  }

  Run& run_;
  std::string source_;
  size_t at_ = 0;
  Position position_;
  bool line_start_ = true;  // the last tag ended its line
  std::string brackets_;    // the closing brackets still to come
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(Run& run, std::string_view source) {
  return Lexer(run, source).tokenize();
}

}  // namespace verge::text::jinja
