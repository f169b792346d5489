#include <verge/stages/serve/api/json_fields.hpp>

#include "reading.hpp"

namespace verge::serve::api {
namespace {

// What reading one field of `text` reports: "param: message", or nothing.
template <typename Read>
std::string problem_of(const std::string& text, Read read) {
  Problem problem;
  const Json json = Json::parse(text);
  Fields fields(json, "", problem);
  read(fields);
  fields.finish();
  return problem ? problem.error().param + ": " + problem.error().message : "";
}

TEST(Fields, NullIsAbsent) {
  const std::string text = R"({"n":null,"t":null,"b":null,"x":null,"o":null})";
  EXPECT_EQ(problem_of(text,
                       [](Fields& fields) {
                         EXPECT_EQ(fields.integer("n", 7, 0, 9), 7);
                         EXPECT_EQ(fields.text("t", "text"), "text");
                         EXPECT_TRUE(fields.boolean("b", true));
                         EXPECT_EQ(fields.number("x", 0.5, 0, 1), 0.5);
                         EXPECT_EQ(fields.object("o"), nullptr);
                       }),
            "");
}

TEST(Fields, NumbersHaveTypesAndRanges) {
  const auto read = [](Fields& fields) { fields.integer("n", 0, -2, 10); };
  for (const char* good : {"0", "10", "-2", "3.0", "1e1"}) {
    EXPECT_EQ(problem_of(fmt::format(R"({{"n":{}}})", good), read), "") << good;
  }
  for (const char* bad : {"11", "-3", "0.5", "1e300", "18446744073709551615", "\"1\"", "true", "[]",
                          "{}", "-1e400", "9223372036854775808"}) {
    const Json parsed = Json::parse(bad, nullptr, false);
    if (parsed.is_discarded()) continue;  // beyond what JSON's reader holds
    EXPECT_TRUE(problem_of(fmt::format(R"({{"n":{}}})", bad), read).starts_with("n: ")) << bad;
  }
}

TEST(Fields, TextsAreOneOrMany) {
  const auto read = [](Fields& fields) { fields.texts("stop", 2); };
  for (const char* good : {"\"a\"", "[]", "[\"a\",\"b\"]"}) {
    EXPECT_EQ(problem_of(fmt::format(R"({{"stop":{}}})", good), read), "") << good;
  }
  for (const char* bad : {"1", "[1]", "[\"a\",null]", "[\"a\",\"b\",\"c\"]", "{}"}) {
    EXPECT_TRUE(problem_of(fmt::format(R"({{"stop":{}}})", bad), read).starts_with("stop: "))
        << bad;
  }
}

TEST(Fields, SlipsAreNamedAndStrangersIgnored) {
  const auto read = [](Fields& fields) {
    fields.number("temperature", 1, 0, 2);
    fields.integer("max_tokens", 1, 0, 2);
    fields.ignore({"reasoning_effort"});
  };
  EXPECT_NE(problem_of(R"({"temprature":1})", read).find("did you mean temperature?"),
            std::string::npos);
  EXPECT_NE(problem_of(R"({"max_token":1})", read).find("max_tokens"), std::string::npos);
  for (const char* stranger : {"x", "reasoning", "provider", "n_keep", "tokens", ""}) {
    EXPECT_EQ(problem_of(fmt::format(R"({{"{}":1}})", stranger), read), "") << stranger;
  }
  EXPECT_EQ(problem_of("{\"" + std::string(100000, 'a') + "\":1}", read), "");
}

TEST(Fields, MessagesAreShortWhateverIsSent) {
  const std::string text = R"({"n":")" + std::string(1'000'000, 'y') + "\"}";
  EXPECT_LT(problem_of(text, [](Fields& fields) { fields.integer("n", 0, 0, 1); }).size(), 300u);
}

}  // namespace
}  // namespace verge::serve::api
