// Whatever is sampled under a schema parses and is valid.

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/engine/text/grammar/grammar_constraint.hpp>
#include <verge/engine/text/grammar/token_masks.hpp>
#include <verge/engine/text/sampler.hpp>

#include "grammars.hpp"
#include "json_validator.hpp"
#include "vocabularies.hpp"

namespace verge::text {
namespace {

using Json = nlohmann::ordered_json;

/// Schemas of every keyword, inside one another.
class RandomSchema {
 public:
  explicit RandomSchema(uint64_t seed) : rng_(seed) {}

  Json make(int depth) {
    switch (rng_.below(depth == 0 ? 5 : 11)) {
      case 0:
        return string();
      case 1:
        return number();
      case 2:
        return {{"enum", Json::array({"ab", 1, nullptr, Json{{"a", Json::array({1})}}, "ü\"\n"})}};
      case 3:
        return rng_.below(2) == 0 ? Json{{"type", "boolean"}} : Json{{"const", "a€"}};
      case 4:
        return {{"type", Json::array({"null", "integer"})}, {"minimum", -3}, {"maximum", 12}};
      case 5:
      case 6:
        return array(depth);
      case 7:
        return {{rng_.below(2) == 0 ? "anyOf" : "oneOf",
                 Json::array({make(depth - 1), make(depth - 1)})}};
      case 8:
        return {{"allOf", Json::array({object(depth), object(depth)})}};
      default:
        return object(depth);
    }
  }

 private:
  bool coin() { return rng_.below(2) == 0; }

  Json string() {
    const char* patterns[] = {"^[ab]{2,4}$", "b1", "^(a|12|\\w{3})$", "^[^a]\\d?$"};
    Json schema = {{"type", "string"}};
    if (coin()) {
      schema["pattern"] = patterns[rng_.below(4)];
    } else {
      schema["minLength"] = rng_.below(3);
      schema["maxLength"] = 3 + rng_.below(4);
    }
    return schema;
  }

  Json number() {
    const int low = static_cast<int>(rng_.below(300)) - 150;
    Json schema = {{"type", coin() ? "integer" : "number"}};
    schema[coin() ? "minimum" : "exclusiveMinimum"] = coin() ? Json(low) : Json(low + 0.25);
    if (coin()) schema[coin() ? "maximum" : "exclusiveMaximum"] = low + 2 + rng_.below(120) * 0.5;
    return schema;
  }

  Json array(int depth) {
    Json schema = {{"type", "array"}, {"items", make(depth - 1)}, {"maxItems", 1 + rng_.below(3)}};
    if (coin()) schema["minItems"] = rng_.below(2);
    if (rng_.below(3) == 0) schema["prefixItems"] = Json::array({make(0)});
    return schema;
  }

  Json object(int depth) {
    Json schema = {{"type", "object"}};
    Json required = Json::array();
    for (const char* name : {"a", "b", "ab", "ü\"", "a1"}) {
      if (coin()) continue;
      schema["properties"][name] = make(depth - 1);
      if (coin()) required.push_back(name);
    }
    if (coin()) schema["required"] = required;
    if (rng_.below(3) == 0) schema["additionalProperties"] = coin() ? Json(coin()) : make(0);
    return schema;
  }

  Rng rng_;
};

class SampledJson : public ::testing::Test {
 protected:
  /// A whole answer, or nothing if it did not end in time. Tokens that close something grow likely.
  std::optional<std::string> sample(const std::shared_ptr<grammar::TokenMasks>& masks,
                                    uint64_t seed) {
    Rng rng(seed);
    auto sampler = Sampler::create({.temperature = 1, .top_k = 0, .seed = seed}, trie_->size());
    const auto answer = constraint(masks);
    std::vector<int32_t> tokens;
    for (int step = 0; step < 150 && !answer->is_finished(); ++step) {
      std::vector<float> logits(trie_->size());
      for (int32_t token = 0; token < trie_->size(); ++token) {
        const bool closes = trie_->piece(token).find_first_of("\"}]") != std::string_view::npos;
        logits[token] = rng.normal() + (closes ? 0.1f * static_cast<float>(step) : 0);
      }
      const auto drawn = sampler->sample(logits, answer.get());
      EXPECT_TRUE(drawn.ok()) << drawn.error().message;
      if (!drawn || tokenizer_->is_end(*drawn)) break;
      tokens.push_back(*drawn);
      answer->accept(*drawn);
    }
    if (!answer->is_complete()) return std::nullopt;
    return tokenizer_->decode(tokens, {.starts_text = false});
  }

  const std::unique_ptr<Tokenizer> tokenizer_ = awkward_tokenizer();
  const std::shared_ptr<const TokenTrie> trie_ = TokenTrie::build(*tokenizer_);
};

TEST_F(SampledJson, IsValidForItsSchema) {
  int compiled = 0, ended = 0;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    const Json schema = RandomSchema(seed).make(3);
    const auto grammar = Grammar::from_schema(schema);
    if (!grammar) {  // schemas that nothing is valid for are drawn as well
      EXPECT_NE(grammar.error().code, Code::Internal);
      continue;
    }
    ++compiled;
    const test::JsonValidator validator(schema);
    const auto masks = std::make_shared<grammar::TokenMasks>(*grammar, trie_);
    for (uint64_t draw = 0; draw < 4; ++draw) {
      const auto text = sample(masks, seed * 10 + draw);
      if (!text) continue;
      ++ended;
      const Json value = Json::parse(*text, nullptr, false);
      ASSERT_FALSE(value.is_discarded()) << schema.dump() << "\n" << *text;
      EXPECT_TRUE(validator.valid(value)) << schema.dump() << "\n" << *text;
    }
  }
  EXPECT_GT(compiled, 90);
  EXPECT_GT(ended, 300);
}

TEST_F(SampledJson, ObjectModeGivesObjects) {
  const auto masks = std::make_shared<grammar::TokenMasks>(Grammar::json_object(), trie_);
  int ended = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const auto text = sample(masks, seed);
    if (!text) continue;
    ++ended;
    EXPECT_TRUE(Json::parse(*text, nullptr, false).is_object()) << *text;
  }
  EXPECT_GT(ended, 30);
}

TEST(Grammar, JsonIsWhatAnIndependentReaderTakes) {
  const auto json = Grammar::any_json();
  for (const char* text :
       {"0", "-0", "1.5e-3", "\"\\ud83d\\ude00\\u00e9\"", "[]", "[1, [2], {}]",
        "{\"a\": {\"b\":1}}", "\"\x7F é€😀\"", "{\n  \"a\": [\n    1\n  ]\n}", "true", "null"}) {
    EXPECT_TRUE(json->matches(text)) << text;
    EXPECT_TRUE(Json::accept(text)) << text;
  }
  for (const char* text : {"", "01", "1.", ".5", "-", "1e", "\"", "\"\\x\"", "\"\\ud83d\"",
                           "\"\n\"", "\"\\ude00\\ud83d\"", "[1,]", "{a:1}", "{\"a\"}", "[1 2]",
                           "nul", "\"\xFF\"", "\"\xED\xA0\x80\"", "1e999"}) {
    EXPECT_FALSE(json->matches(text)) << text;
    EXPECT_FALSE(Json::accept(text)) << text;
  }
  EXPECT_FALSE(Grammar::json_object()->matches("[]"));
  EXPECT_TRUE(Grammar::json_object()->matches("{}"));
  const std::string blanks(30, ' ');
  EXPECT_FALSE(json->matches("[" + blanks + "]"));
  EXPECT_FALSE(json->matches("[\n" + blanks + "]"));
}

}  // namespace
}  // namespace verge::text
