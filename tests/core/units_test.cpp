#include <gtest/gtest.h>

#include <verge/core/units.hpp>

namespace verge {
namespace {

TEST(Units, AsPeopleReadThem) {
  EXPECT_EQ(show_bytes(0), "0 B");
  EXPECT_EQ(show_bytes(1023), "1023 B");
  EXPECT_EQ(show_bytes(1536), "1.5 KiB");
  EXPECT_EQ(show_bytes(int64_t{4} << 30), "4 GiB");
  EXPECT_EQ(show_bytes(INT64_MAX), "8.389e+06 TiB");
  EXPECT_EQ(show_count(999), "999");
  EXPECT_EQ(show_count(5'300'000), "5.3 M");
  EXPECT_EQ(show_count(7'240'000'000), "7.24 B");
}

TEST(Units, SizesAreReadInPowersOf1024) {
  const std::pair<const char*, int64_t> good[] = {{"0", 0},
                                                  {"1000", 1000},
                                                  {"1k", 1024},
                                                  {"512M", 512 << 20},
                                                  {"1.5GiB", 3 << 29},
                                                  {"2 gb", int64_t{2} << 30},
                                                  {"1T", int64_t{1} << 40},
                                                  {"7 B", 7}};
  for (const auto& [text, bytes] : good) {
    const auto parsed = parse_bytes(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
  for (const char* bad :
       {"", "G", "-1", "1X", "1GG", "1iB", "nan", "inf", "1e30", "1 2", "9e99T"}) {
    EXPECT_FALSE(parse_bytes(bad)) << bad;
  }
}

}  // namespace
}  // namespace verge
