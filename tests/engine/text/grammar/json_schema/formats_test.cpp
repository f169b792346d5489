#include <regex>
#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/grammar/json_schema/formats.hpp>

namespace verge::text::grammar {
namespace {

TEST(Formats, AreWhatTheirStandardsSay) {
  const struct {
    const char* format;
    std::initializer_list<const char*> yes, no;
  } cases[] = {
      {"date",
       {"2024-02-29", "2000-02-29", "1999-12-31", "2023-04-30"},
       {"2023-02-29", "1900-02-29", "2023-04-31", "2023-13-01", "2023-00-10", "23-1-1",
        "2023-01-00"}},
      {"time",
       {"23:59:59Z", "00:00:00.123+01:00"},
       {"24:00:00Z", "12:60:00Z", "12:00:00", "12:00Z"}},
      {"date-time",
       {"2024-02-29T12:00:00Z", "2023-01-01T00:00:00.5-08:30"},
       {"2024-02-29 12:00:00Z", "2024-02-30T12:00:00Z", "2024-01-01T12:00:00"}},
      {"uuid",
       {"123e4567-e89b-12d3-a456-426614174000"},
       {"123e4567e89b12d3a456426614174000", "1-2-3-4-5"}},
      {"email",
       {"a@b.org", "first.last+tag@mail.example.com"},
       {"a", "@b.org", "a@", "a..b@c.org", "a@-b.org", "a b@c.org"}},
      {"hostname", {"localhost", "a-b.example.com"}, {"-a", "a-", "a..b", ""}},
      {"ipv4",
       {"0.0.0.0", "255.255.255.255", "10.1.2.30"},
       {"256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4.5"}},
  };
  for (const auto& test : cases) {
    const std::regex pattern(format_pattern(test.format));
    for (const char* text : test.yes) EXPECT_TRUE(std::regex_match(text, pattern)) << text;
    for (const char* text : test.no) EXPECT_FALSE(std::regex_match(text, pattern)) << text;
    EXPECT_NE(format_names().find(test.format), std::string_view::npos);
  }
  EXPECT_EQ(format_pattern("uri"), "");
}

}  // namespace
}  // namespace verge::text::grammar
