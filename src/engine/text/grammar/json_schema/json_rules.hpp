#pragma once
// JsonRules: what JSON texts are made of, as rules that are made once and called from everywhere.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <verge/engine/text/grammar/rules.hpp>

namespace verge::text::grammar {

/// Keeps a reference to the rules.
class JsonRules {
 public:
  explicit JsonRules(Rules& rules) : rules_(rules) {}

  /// Between two tokens: nothing, a space, or a line end with up to 20 blanks. Endless blanks are
  /// how a model that is held to JSON gets stuck.
  Node space();
  /// A comma and space.
  Node comma();
  /// A string of `least` to `most` (-1: no end) characters, in any spelling that is not half a
  /// surrogate pair.
  Node string(int64_t least = 0, int64_t most = -1);
  /// A character of the set within a string: itself, or its shortest escape.
  Node encoded(const CodePointSet& set);
  /// A whole string that is none of `names`, its characters spelled as encoded() does.
  Node string_except(const std::vector<std::string>& names);

  /// Up to 16 digits before the point, 15 behind it, 2 of exponent: what a double can hold.
  Node number();
  Node boolean();
  Node value();
  Node array(Node item);  // any number of them
  Node object(Node member);
  Node any_array();
  Node any_object();
  /// `"name": value`; the name may be a rule of its own.
  Node member(Node name, Node value);

  Rules& rules() { return rules_; }

 private:
  Node once(std::optional<Node>& kept, const char* name, Node (JsonRules::*make)());
  Node make_space();
  Node make_character();
  Node make_number();
  Node make_value();
  Node make_any_array();
  Node make_any_object();
  Node bracketed(const char* open, Node part, const char* close);
  Node rest_except(std::vector<std::u32string> names, size_t at, Node rest);
  int32_t value_rule();

  Rules& rules_;
  std::optional<Node> space_, character_, number_, value_, any_array_, any_object_;
  std::optional<int32_t> value_rule_;
  std::map<std::pair<int64_t, int64_t>, Node> strings_;
};

}  // namespace verge::text::grammar
