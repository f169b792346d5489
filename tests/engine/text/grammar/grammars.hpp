#pragma once
// What the tests of grammars share.

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <verge/engine/text/grammar/grammar.hpp>

namespace verge::text {

inline std::shared_ptr<const Grammar> gbnf(std::string_view text) {
  auto grammar = Grammar::from_gbnf(text);
  EXPECT_TRUE(grammar.ok()) << text << "\n" << (grammar ? "" : grammar.error().message);
  return grammar ? *grammar : Grammar::any_json();
}

inline std::shared_ptr<const Grammar> schema(std::string_view text) {
  auto grammar = Grammar::from_json_schema(text);
  EXPECT_TRUE(grammar.ok()) << text << "\n" << (grammar ? "" : grammar.error().message);
  return grammar ? *grammar : Grammar::any_json();
}

/// Every text of `yes` is one of the grammar's, none of `no` is.
inline void expect_texts(const Grammar& grammar, std::initializer_list<const char*> yes,
                         std::initializer_list<const char*> no, std::string_view what = {}) {
  for (const char* text : yes) EXPECT_TRUE(grammar.matches(text)) << what << ": " << text;
  for (const char* text : no) EXPECT_FALSE(grammar.matches(text)) << what << ": " << text;
}

/// The message of a refusal, which must have this code.
inline std::string refusal(const Result<std::shared_ptr<const Grammar>>& result, Code code) {
  if (result.ok()) return "accepted";
  EXPECT_EQ(result.error().code, code) << result.error().message;
  return result.error().message;
}

}  // namespace verge::text
