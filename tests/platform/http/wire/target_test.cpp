#include <string>

#include <gtest/gtest.h>

#include <verge/platform/http/wire/target.hpp>

namespace verge::http {
namespace {

TEST(PercentDecoding, TakesEveryByteButZero) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int byte = 1; byte < 256; ++byte) {
    const std::string text = {'%', kDigits[byte / 16], kDigits[byte % 16]};
    const std::optional<std::string> decoded = percent_decoded("a" + text + "b");
    ASSERT_TRUE(decoded.has_value()) << text;
    EXPECT_EQ(*decoded, std::string("a") + static_cast<char>(byte) + "b");
  }
  EXPECT_EQ(percent_decoded("%C3%a9").value_or(""), "\xc3\xa9");
}

TEST(PercentDecoding, RefusesWhatIsNone) {
  for (const char* wrong : {"%", "%4", "%4g", "%g4", "a%", "%%41", "%00", "%0"}) {
    EXPECT_FALSE(percent_decoded(wrong).has_value()) << wrong;
  }
  EXPECT_EQ(percent_decoded("a+b").value_or(""), "a+b");
  EXPECT_EQ(percent_decoded("a+b", true).value_or(""), "a b");
}

std::string split(std::string_view method, std::string_view target) {
  const Result<Target> result = split_target(method, target);
  if (!result) return "malformed";
  return std::string(result->path) + " " + std::string(result->query);
}

TEST(Target, HasFourForms) {
  EXPECT_EQ(split("GET", "/a/b?c=d?e"), "/a/b c=d?e");
  EXPECT_EQ(split("GET", "/"), "/ ");
  EXPECT_EQ(split("GET", "/?"), "/ ");
  EXPECT_EQ(split("GET", "http://h:8080/a?b"), "/a b");
  EXPECT_EQ(split("GET", "HTTPS://h"), "/ ");
  EXPECT_EQ(split("GET", "http://h?x"), "/ x");
  EXPECT_EQ(split("OPTIONS", "*"), "* ");
  for (const char* wrong :
       {"", "a", "*", "h:443", "ftp://h/a", "http://", "http:///a", "?a", "/a#b"}) {
    EXPECT_EQ(split("GET", wrong), "malformed") << wrong;
  }
}

TEST(Query, IsDecodedInOrder) {
  const Result<std::vector<Field>> query = parse_query("a=1&b&&c=%3D%26+x&a=2&=v");
  ASSERT_TRUE(query.ok());
  std::string text;
  for (const Field& field : *query) text += field.name + ":" + field.value + ";";
  EXPECT_EQ(text, "a:1;b:;c:=& x;a:2;:v;");
  EXPECT_FALSE(parse_query("a=%").ok());
  EXPECT_FALSE(parse_query("%=a").ok());
  EXPECT_TRUE(parse_query("").value().empty());
}

}  // namespace
}  // namespace verge::http
