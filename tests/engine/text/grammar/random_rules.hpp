#pragma once
// Random rules, and a matcher that follows their definition with no cleverness at all.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/rng.hpp>
#include <verge/engine/text/grammar/rules.hpp>

namespace verge::text::grammar {

/// Where `node` may end when it begins at `at`: by trying everything. Repetitions of nothing stop.
inline std::set<size_t> ends_of(const Rules& rules, Node node, std::string_view text, size_t at) {
  using Kind = Expression::Kind;
  const Expression& expression = rules[node];
  switch (expression.kind) {
    case Kind::Never:
      return {};
    case Kind::Literal:
      if (!text.substr(at).starts_with(expression.text)) return {};
      return {at + expression.text.size()};
    case Kind::Class:  // of ASCII
      if (at < text.size() && contains(expression.set, static_cast<uint8_t>(text[at]))) {
        return {at + 1};
      }
      return {};
    case Kind::Sequence: {
      std::set<size_t> ends = {at};
      for (const Node part : expression.parts) {
        std::set<size_t> next;
        for (const size_t end : ends) next.merge(ends_of(rules, part, text, end));
        ends = std::move(next);
      }
      return ends;
    }
    case Kind::Choice: {
      std::set<size_t> ends;
      for (const Node part : expression.parts) ends.merge(ends_of(rules, part, text, at));
      return ends;
    }
    case Kind::Repeat: {
      std::set<size_t> all, ends = {at}, seen;
      for (int64_t count = 0; !ends.empty(); ++count) {
        if (count >= expression.least) all.insert(ends.begin(), ends.end());
        if (count == expression.most || count > static_cast<int64_t>(text.size()) + 4) break;
        std::set<size_t> next;
        for (const size_t end : ends) {
          next.merge(ends_of(rules, expression.parts[0], text, end));
        }
        ends = std::move(next);
      }
      return all;
    }
    case Kind::Call:
      return ends_of(rules, rules.rule(expression.rule).body, text, at);
  }
  return {};
}

inline bool naive_match(const Rules& rules, int32_t root, std::string_view text) {
  return ends_of(rules, rules.rule(root).body, text, 0).contains(text.size());
}

/// Over "ab": a few rules that call later ones anywhere, and any one behind a character.
class RandomRules {
 public:
  explicit RandomRules(uint64_t seed) : rng_(seed) {
    for (int i = 0; i < kRules; ++i) rules.declare(std::string(1, static_cast<char>('p' + i)));
    for (int i = 0; i < kRules; ++i) rules.define(i, node(i, 2));
  }

  Rules rules;

 private:
  static constexpr int kRules = 3;

  Node letter() { return rules.one_of({{'a', static_cast<char32_t>('a' + rng_.below(2))}}); }

  Node node(int rule, int depth) {
    switch (depth == 0 ? rng_.below(3) : rng_.below(9)) {
      case 0:
        return letter();
      case 1:
        return rules.literal(rng_.below(3) == 0 ? "" : rng_.below(2) == 0 ? "b" : "ab");
      case 2:
        if (rule + 1 == kRules) return letter();
        return rules.call(rule + 1 + static_cast<int>(rng_.below(kRules - rule - 1)));
      case 3:
      case 4:
        return rules.choice({node(rule, depth - 1), node(rule, depth - 1)});
      case 5:
        return rules.sequence({node(rule, depth - 1), node(rule, depth - 1)});
      case 6: {
        const auto least = static_cast<int64_t>(rng_.below(3));
        const int64_t most = rng_.below(2) == 0 ? -1 : least + rng_.below(3);
        return rules.repeat(node(rule, depth - 1), least, most);
      }
      case 7:
        return rules.optional(node(rule, depth - 1));
      default:
        return rules.choice(
            {rules.sequence({letter(), rules.call(static_cast<int>(rng_.below(kRules)))}),
             node(rule, depth - 1)});
    }
  }

  Rng rng_;
};

/// All strings over "ab" of at most `length` characters.
inline std::vector<std::string> all_texts(size_t length) {
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size() && texts[i].size() < length; ++i) {
    const std::string text = texts[i];
    texts.push_back(text + 'a');
    texts.push_back(text + 'b');
  }
  return texts;
}

}  // namespace verge::text::grammar
