#pragma once
// Grammar: which texts an answer may be. Read once, used by any number of answers.
//
//   VERGE_TRY(auto grammar, Grammar::from_gbnf("root ::= \"yes\" | \"no\""));
//   auto trie = TokenTrie::build(tokenizer);                  // once a tokenizer
//   std::unique_ptr<TokenConstraint> answer = constraint(grammar, trie);   //
//   grammar_constraint.hpp

#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <verge/core/result.hpp>

namespace verge::text {

namespace grammar {
class Automaton;
class Rules;
}  // namespace grammar

/// Immutable: threads may share it. A text is bytes of valid UTF-8.
class Grammar {
 public:
  /// llama.cpp's notation; its rule `root` is the text. See grammar/gbnf.hpp. Fails, naming line
  /// and column or the rule, for text that is not GBNF, left recursion, and rules of which no text
  /// can come; Unsupported for what exceeds a limit.
  static Result<std::shared_ptr<const Grammar>> from_gbnf(std::string_view text);

  /// Texts that a regular expression (ECMA-262) matches as a whole. See
  /// grammar/json_schema/regex.hpp for what is read. Fails, naming the character: Malformed for
  /// what is no expression, Unsupported for look-around and the like and for what exceeds a limit.
  static Result<std::shared_ptr<const Grammar>> from_regex(std::string_view pattern);

  /// JSON that a schema allows: every text is valid for it, not every valid text can come. See
  /// grammar/json_schema/schema.hpp for the keywords. Fails, naming the place in the schema as a
  /// JSON pointer: Malformed for what is no schema, Unsupported for keywords that cannot be held
  /// and for what exceeds a limit.
  static Result<std::shared_ptr<const Grammar>> from_json_schema(std::string_view text);
  /// The same, of a schema that is already read.
  static Result<std::shared_ptr<const Grammar>> from_schema(const nlohmann::ordered_json& schema);

  /// Any JSON value, and any JSON object ("json_object" of OpenAI's response_format).
  static std::shared_ptr<const Grammar> any_json();
  static std::shared_ptr<const Grammar> json_object();

  /// Whether `text` is a whole text of the grammar.
  bool matches(std::string_view text) const;
  /// Whether a text of the grammar begins with `text`.
  bool matches_prefix(std::string_view text) const;

  const grammar::Automaton& automaton() const { return *automaton_; }
  /// "the grammar", "the JSON schema": for errors.
  const std::string& kind() const { return kind_; }

  ~Grammar();

 private:
  Grammar(std::string kind, grammar::Automaton automaton);
  static Result<std::shared_ptr<const Grammar>> compile(std::string kind,
                                                        const grammar::Rules& rules, int32_t root);

  std::string kind_;
  std::unique_ptr<const grammar::Automaton> automaton_;
};

}  // namespace verge::text
