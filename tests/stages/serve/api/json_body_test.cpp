#include "reading.hpp"

namespace verge::serve::api {
namespace {

Json ignore(const Json& body, Problem&) {
  return body;
}

std::string nested(int depth) {
  return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

TEST(JsonBody, TakesObjects) {
  EXPECT_EQ(read_well(R"({"a": [1, "]{["], "b": null})", ignore)["a"][1], "]{[");
  EXPECT_EQ(read_well(R"({"a": "\"[[[[\\"})", ignore)["a"], "\"[[[[\\");
}

TEST(JsonBody, RefusesWhatIsNoObject) {
  for (const char* text : {"", " ", "[]", "null", "7", "\"a\"", "{", "{\"a\"}", "{\"a\":1}x",
                           "{'a':1}", "{\"a\":NaN}", "{\"a\":1,}", "\xEF\xBB\xBF", "{\"a\":01}"}) {
    EXPECT_EQ(read_badly(text, ignore).code, "invalid_json") << text;
  }
}

TEST(JsonBody, RefusesWhatIsNotUtf8) {
  for (const char* bytes : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    read_badly(std::string("{\"a\":\"") + bytes + "\"}", ignore);
  }
  read_badly(R"({"a":"\ud800"})", ignore);
}

TEST(JsonBody, DepthIsRefusedBeforeParsing) {
  read_well(nested(kMaxJsonDepth - 1), ignore);
  EXPECT_NE(read_badly(nested(kMaxJsonDepth), ignore).message.find("deeper"), std::string::npos);
  read_badly(nested(5'000'000), ignore);
  read_badly(R"({"a":)" + std::string(5'000'000, '['), ignore);
}

TEST(JsonBody, ManyValuesAreRefused) {
  std::string text = R"({"a":[0)";
  for (size_t i = 0; i < kMaxJsonValues; ++i) text += ",0";
  EXPECT_NE(read_badly(text + "]}", ignore).message.find("values"), std::string::npos);
}

TEST(JsonBody, ObjectsOfManyMembersAreRefused) {
  const auto object = [](size_t members) {
    std::string text = "{\"m\":{\"0\":0";
    for (size_t i = 1; i < members; ++i) text += fmt::format(",\"{}\":{{\"a\":0}}", i);
    return text + "}}";
  };
  Problem problem;
  EXPECT_EQ(parse_body(object(kMaxJsonMembers), problem)["m"].size(), kMaxJsonMembers);
  EXPECT_FALSE(problem);
  EXPECT_NE(read_badly(object(kMaxJsonMembers + 1), ignore).message.find("members"),
            std::string::npos);
}

TEST(JsonBody, InnerTextHasTheSameLimits) {
  EXPECT_EQ(parse_inner(R"({"a":1})")["a"], 1);
  EXPECT_TRUE(parse_inner("{").is_discarded());
  EXPECT_TRUE(parse_inner(nested(1'000'000)).is_discarded());
}

}  // namespace
}  // namespace verge::serve::api
