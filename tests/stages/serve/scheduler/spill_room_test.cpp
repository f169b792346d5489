#include <algorithm>

#include <verge/stages/serve/scheduler/spill_room.hpp>

#include "small_disk.hpp"
#include "temporary_folder.hpp"

namespace verge::serve {
namespace {

std::vector<std::byte> counted_bytes(size_t count) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

void expect_back(const Spilled& spilled, std::span<const std::byte> bytes) {
  std::vector<std::byte> back(bytes.size());
  ASSERT_TRUE(spilled.read(0, back).ok());
  EXPECT_TRUE(std::ranges::equal(back, bytes));
}

TEST(SpillRoom, GoesToAFileWithAllThatWasThere) {
  const test::TemporaryFolder folder;
  SpillRoom room(100, folder.path());
  const auto bytes = counted_bytes(250);
  auto spilled = room.open();
  for (size_t at = 0; at < 250; at += 50) {
    ASSERT_TRUE(spilled->append(std::span(bytes).subspan(at, 50)).ok());
    EXPECT_EQ(room.bytes(), static_cast<int64_t>(at) + 50);
  }
  expect_back(*spilled, bytes);
  EXPECT_EQ(folder.entries(), 0u);
  auto small = room.open(100);  // memory is free again
  EXPECT_TRUE(small->append(counted_bytes(100)).ok());
  expect_back(*small, counted_bytes(100));
  spilled.reset();
  EXPECT_EQ(room.bytes(), 100);
}

TEST(SpillRoom, HasLimits) {
  const test::TemporaryFolder folder;
  SpillRoom memory(100, "");
  auto spilled = memory.open();
  ASSERT_TRUE(spilled->append(counted_bytes(60)).ok());
  EXPECT_EQ(spilled->append(counted_bytes(60)).error().code, Code::OutOfMemory);
  EXPECT_TRUE(spilled->append(counted_bytes(40)).ok());
  SpillRoom files(0, folder.path(), 100);
  auto one = files.open(), two = files.open();
  ASSERT_TRUE(one->append(counted_bytes(80)).ok());
  EXPECT_EQ(two->append(counted_bytes(21)).error().code, Code::OutOfMemory);
  expect_back(*one, counted_bytes(80));
  one.reset();
  EXPECT_TRUE(two->append(counted_bytes(21)).ok());
  EXPECT_EQ(files.bytes(), 21);
}

TEST(SpillRoom, SaysThatTheDiskIsFull) {
  const test::TemporaryFolder folder;
  SpillRoom room(0, folder.path());
  auto spilled = room.open();
  const test::SmallDisk full(4096);
  EXPECT_EQ(spilled->append(counted_bytes(10'000)).error().code, Code::Io);
  EXPECT_EQ(room.bytes(), 0);
}

}  // namespace
}  // namespace verge::serve
