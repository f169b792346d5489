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
    const auto made = constraints_.make(chat(fields), problem);
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
    constraints_.make(chat(fields), problem);
    return problem ? problem.error().param : "";
  }

  std::shared_ptr<const text::Tokenizer> tokenizer_ = tiny_tokenizer();
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

TEST_F(ConstraintsTest, WhatIsNoSchemaIsNamed) {
  EXPECT_EQ(refused(R"("grammar":"root ::= \"a")"), "grammar");
  EXPECT_EQ(refused(R"("guided_json":{"type":"nonsense"})"), "response_format");
  EXPECT_EQ(refused(R"("tool_choice":"required","tools":[{"function":{"name":"f",
                       "parameters":{"type":7}}}])"),
            "tools");
}

}  // namespace
}  // namespace verge::serve::api
