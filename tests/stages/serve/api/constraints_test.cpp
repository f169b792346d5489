#include <verge/stages/serve/api/constraints.hpp>

#include "reading.hpp"
#include "tiny_tokenizer.hpp"

namespace verge::serve::api {
namespace {

class ConstraintsTest : public testing::Test {
 protected:
  // Whether an answer of these fields may be `text`; refused requests may be nothing.
  bool allows(const std::string& fields, const std::string& text) {
    Problem problem;
    const auto made = constraints_.make(chat(fields), dialect_, problem);
    if (made == nullptr) return !problem;
    const auto answer = made->clone();
    std::vector<uint64_t> bits((tokenizer_->size() + 63) / 64);
    for (const int32_t token : tokenizer_->encode(text)) {
      answer->mask(bits);
      if ((bits[token / 64] >> (token % 64) & 1) == 0) return false;
      answer->accept(token);
    }
    return answer->is_complete();
  }
  std::string refused(const std::string& fields) {
    Problem problem;
    constraints_.make(chat(fields), dialect_, problem);
    return problem ? problem.error().param : "";
  }

  std::shared_ptr<const text::Tokenizer> tokenizer_ = tiny_tokenizer();
  Constraints::Dialect dialect_;
  Constraints constraints_{tokenizer_, size_t{1} << 20};
};

TEST_F(ConstraintsTest, AnswersAreFreeUnlessAsked) {
  EXPECT_TRUE(allows("", "hello"));
  EXPECT_TRUE(allows(R"("tools":[{"function":{"name":"f"}}])", "hello"));
}

TEST_F(ConstraintsTest, FormatsHold) {
  const std::string object = R"("response_format":{"type":"json_object"})";
  EXPECT_TRUE(allows(object, R"({"a":[1,2]})"));
  EXPECT_FALSE(allows(object, "hello"));
  EXPECT_FALSE(allows(object, "[1]"));
  const std::string grammar = R"("grammar":"root ::= \"hello\" | \"world\"")";
  EXPECT_TRUE(allows(grammar, "world"));
  EXPECT_FALSE(allows(grammar, "word"));
  const std::string schema =
      R"("guided_json":{"type":"object","properties":{"x":{"type":"boolean"}},
                                 "required":["x"],"additionalProperties":false})";
  EXPECT_TRUE(allows(schema, R"({"x":true})"));
  EXPECT_FALSE(allows(schema, R"({"x":1})"));
}

TEST_F(ConstraintsTest, ChoicesAndExpressionsHold) {
  for (const char* fields : {R"("guided_choice":["hello","a \"b\" \\ c\n"])",
                             R"("structured_outputs":{"choice":["hello","a \"b\" \\ c\n"]})"}) {
    EXPECT_TRUE(allows(fields, "hello")) << fields;
    EXPECT_TRUE(allows(fields, "a \"b\" \\ c\n")) << fields;
    EXPECT_FALSE(allows(fields, "hell")) << fields;
    EXPECT_FALSE(allows(fields, "hello world")) << fields;
  }
  for (const char* fields : {R"j("guided_regex":"\\d{3}-(ab|c)")j",
                             R"j("structured_outputs":{"regex":"^\\d{3}-(ab|c)$"})j"}) {
    EXPECT_TRUE(allows(fields, "123-ab")) << fields;
    EXPECT_FALSE(allows(fields, "123-a")) << fields;
    EXPECT_FALSE(allows(fields, " 123-c")) << fields;
  }
}

TEST_F(ConstraintsTest, AnAnswerThatIsHeldMayBeACallInstead) {
  const std::string fields = R"("guided_regex":"hello","tools":[{"function":{"name":"f"}}])";
  EXPECT_TRUE(allows(fields, "hello"));
  EXPECT_FALSE(allows(fields, "world"));
  EXPECT_TRUE(allows(fields, R"(<tool_call>{"name":"f","arguments":{}}</tool_call>)"));
  EXPECT_FALSE(allows(fields + R"(,"tool_choice":"none")", "<tool_call>"));
  dialect_.syntax = CallSyntax::Llama3;
  const std::string schema = R"("response_format":{"type":"json_schema","json_schema":{"name":"n",
      "schema":{"$defs":{"B":{"type":"boolean"}},"type":"object","properties":{"a":{"$ref":
      "#/$defs/B"}},"required":["a"],"additionalProperties":false}}},
      "tools":[{"function":{"name":"f"}}])";
  EXPECT_TRUE(allows(schema, R"({"a":true})"));
  EXPECT_FALSE(allows(schema, R"({"a":1})"));
  EXPECT_TRUE(allows(schema, R"({"name":"f","parameters":{}})"));
  EXPECT_FALSE(allows(schema, R"({"name":"g","parameters":{}})"));
  EXPECT_TRUE(allows(schema, R"(<|python_tag|>{"name":"f","parameters":{}})"));
}

TEST_F(ConstraintsTest, AnAnswerThatIsHeldMayReasonFirst) {
  const std::string fields = R"("guided_regex":"hello")";
  EXPECT_FALSE(allows(fields, "<think>world</think>hello"));
  dialect_.reasoning = ReasoningTags{"<think>", "</think>"};
  EXPECT_TRUE(allows(fields, "<think>world</think>hello"));
  EXPECT_TRUE(allows(fields, "hello"));
  dialect_.begins_reasoning = true;
  EXPECT_TRUE(allows(fields, "world</think>hello"));
  EXPECT_FALSE(allows(fields, "hello"));
}

TEST_F(ConstraintsTest, ForcedCallsHoldTheirArguments) {
  const std::string tools = R"("tools":[{"function":{"name":"f","parameters":{"type":"object",
      "properties":{"x":{"type":"boolean"}},"required":["x"],"additionalProperties":false}}},
      {"function":{"name":"g"}}],"tool_choice":)";
  EXPECT_TRUE(allows(tools + "\"required\"", R"({"name":"f","arguments":{"x":true}})"));
  EXPECT_TRUE(allows(tools + "\"required\"", R"({"name":"g","arguments":{}})"));
  EXPECT_FALSE(allows(tools + "\"required\"", R"({"name":"f","arguments":{}})"));
  EXPECT_FALSE(allows(tools + R"({"type":"function","function":{"name":"f"}})",
                      R"({"name":"g","arguments":{}})"));
  EXPECT_TRUE(allows(R"("tool_choice":"required","tools":[{"function":{"name":"f","parameters":
      {"$defs":{"P":{"type":"boolean"}},"type":"object","properties":{"x":{"$ref":"#/$defs/P"}},
       "required":["x"],"additionalProperties":false}}}])",
                     R"({"name":"f","arguments":{"x":true}})"));
}

TEST_F(ConstraintsTest, AForcedCallComesBehindReasoningThatThePromptBegan) {
  const std::string fields = R"("tools":[{"function":{"name":"f"}}],"tool_choice":"required")";
  const std::string call = R"({"name":"f","arguments":{}})";
  dialect_.reasoning = ReasoningTags{"<think>", "</think>"};
  EXPECT_TRUE(allows(fields, call));
  EXPECT_FALSE(allows(fields, "<think>hello</think>" + call));
  dialect_.begins_reasoning = true;
  EXPECT_TRUE(allows(fields, "hello</think>" + call));
  EXPECT_FALSE(allows(fields, "hello</think>world"));
  EXPECT_FALSE(allows(fields, call));
}

TEST_F(ConstraintsTest, WhatIsNoSchemaIsNamed) {
  EXPECT_EQ(refused(R"("grammar":"root ::= \"a")"), "grammar");
  EXPECT_EQ(refused(R"("guided_json":{"type":"nonsense"})"), "guided_json");
  EXPECT_EQ(refused(R"j("guided_regex":"a(")j"), "guided_regex");
  EXPECT_EQ(refused(R"j("structured_outputs":{"regex":"(?=a)"})j"), "structured_outputs.regex");
  EXPECT_EQ(refused(R"("tool_choice":"required","tools":[{"function":{"name":"f",
                       "parameters":{"type":7}}}])"),
            "tools");
}

}  // namespace
}  // namespace verge::serve::api
