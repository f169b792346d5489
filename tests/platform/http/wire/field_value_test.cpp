#include <gtest/gtest.h>

#include <verge/platform/http/wire/field_value.hpp>

namespace verge::http {
namespace {

TEST(FieldValue, ComparesAsciiWithoutCase) {
  EXPECT_TRUE(equal_without_case("Content-Length", "cONTENT-lENGTH"));
  EXPECT_FALSE(equal_without_case("a", "ab"));
  EXPECT_FALSE(equal_without_case("[", "{"));  // one bit apart, as letters of two cases are
  EXPECT_TRUE(equal_without_case("", ""));
}

TEST(FieldValue, TrimsBlanks) {
  EXPECT_EQ(trimmed(" \t a b\t "), "a b");
  EXPECT_EQ(trimmed(" \t"), "");
}

TEST(FieldValue, ListsAreSplitAtCommas) {
  std::string_view list = "close, Keep-Alive ,,x";
  for (const char* element : {"close", "Keep-Alive", "", "x"}) {
    EXPECT_EQ(next_element(list), element);
  }
  EXPECT_TRUE(list.empty());
}

TEST(FieldValue, CodingsHaveWeights) {
  for (const char* yes : {"gzip", "GZIP", "br, gzip", "*", "gzip;q=0.001", "gzip ; q=1",
                          "*;q=0, gzip", "gzip;q=1.0", "identity, *;q=0.5"}) {
    EXPECT_TRUE(accepts_coding(yes, "gzip")) << yes;
  }
  for (const char* no : {"", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "xgzip"}) {
    EXPECT_FALSE(accepts_coding(no, "gzip")) << no;
  }
}

}  // namespace
}  // namespace verge::http
