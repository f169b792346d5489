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

}  // namespace
}  // namespace verge
