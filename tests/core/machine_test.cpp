#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/machine.hpp>

namespace verge {
namespace {

TEST(Machine, CoresAreWithinTheHardware) {
  EXPECT_GE(available_cores(), 1);
  EXPECT_LE(available_cores(), static_cast<int>(std::thread::hardware_concurrency()));
}

TEST(Machine, TheProcessorHasOneName) {
  EXPECT_FALSE(processor_name().empty());
  EXPECT_EQ(processor_name(), processor_name());
  EXPECT_EQ(processor_name().find('\n'), std::string::npos);
}

TEST(Machine, TouchedMemoryRaisesThePeak) {
  const int64_t before = resident_bytes();  // the peak may lie behind already
  const std::vector<char> touched(64 << 20, 1);
  EXPECT_GE(peak_rss_bytes(), before + (48 << 20));
  EXPECT_GE(resident_bytes(), 64 << 20);
  EXPECT_LE(resident_bytes(), peak_rss_bytes() + (1 << 20));  // the kernel counts in batches
  EXPECT_EQ(touched.back(), 1);
  EXPECT_GT(available_memory_bytes(), 0);
}

}  // namespace
}  // namespace verge
