#include <algorithm>
#include <vector>

#include <verge/core/scratch_file.hpp>

#include "small_disk.hpp"
#include "temporary_folder.hpp"

namespace verge {
namespace {

std::vector<std::byte> bytes(size_t count) {
  std::vector<std::byte> all(count);
  for (size_t i = 0; i < count; ++i) all[i] = static_cast<std::byte>(i * 7);
  return all;
}

TEST(ScratchFile, GivesBackWhatWasWritten) {
  test::TemporaryFolder folder;
  auto file = ScratchFile::create(folder.path());
  ASSERT_TRUE(file.ok()) << file.error().message;
  const std::vector<std::byte> written = bytes(100'000);
  ASSERT_TRUE(file->append(std::span(written).first(40'000)).ok());
  ASSERT_TRUE(file->append(std::span(written).subspan(40'000)).ok());
  EXPECT_EQ(file->size(), written.size());
  std::vector<std::byte> back(1000);
  ASSERT_TRUE(file->read(39'500, back).ok());
  EXPECT_TRUE(std::ranges::equal(back, std::span(written).subspan(39'500, 1000)));
  EXPECT_FALSE(file->read(99'500, back).ok());  // ends before
}

TEST(ScratchFile, HasNoName) {
  test::TemporaryFolder folder;
  auto file = ScratchFile::create(folder.path());
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(ScratchFile, SaysWhereItCannotBe) {
  const auto file = ScratchFile::create("/absent/folder");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, Code::NotFound);
  EXPECT_NE(file.error().message.find("/absent/folder"), std::string::npos);
}

TEST(ScratchFile, FailsOnAFullDisk) {
  test::TemporaryFolder folder;
  auto file = ScratchFile::create(folder.path());
  ASSERT_TRUE(file.ok());
  const test::SmallDisk full(4096);
  const Status status = file->append(bytes(10'000));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::Io);
}

}  // namespace
}  // namespace verge
