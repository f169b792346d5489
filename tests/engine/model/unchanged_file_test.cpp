#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include <verge/engine/model/unchanged_file.hpp>

#include "temporary_folder.hpp"

namespace verge::model {
namespace {

constexpr int64_t kFileBytes = 3 * 4096 + 100;

class Unchanged : public testing::Test {
 protected:
  void write(const std::string& path, char fill, size_t bytes = kFileBytes) const {
    auto file = AtomicFile::create(path);
    ASSERT_TRUE(file.ok() && file->write(std::string(bytes, fill)) && file->commit());
  }
  void expect_reads(const RangeReader& file, char fill) const {
    const PageBuffer room(RangeReader::room_for(5000));
    const auto data = file.read(4000, 5000, room.span());
    ASSERT_TRUE(data.ok()) << data.error().message;
    const std::string expected(5000, fill);
    EXPECT_EQ(std::memcmp(*data, expected.data(), expected.size()), 0);
  }
  Error error_of_reading(const RangeReader& file) const {
    const PageBuffer room(RangeReader::room_for(100));
    const auto data = file.read(0, 100, room.span());
    EXPECT_FALSE(data.ok());
    return data.ok() ? Error{} : data.error();
  }

  test::TemporaryFolder folder_;
  std::string path_ = folder_ / "model";
};

TEST_F(Unchanged, AFileThatTakesTheNameLaterChangesNothing) {
  write(path_, 'a');
  const auto mapped = MappedFile::open(path_);
  const auto file = open_unchanged(*mapped);
  ASSERT_TRUE(file.ok()) << file.error().message;
  expect_reads(**file, 'a');
  write(path_, 'b');
  expect_reads(**file, 'a');
  std::filesystem::remove(path_);
  expect_reads(**file, 'a');
}

TEST_F(Unchanged, AFileThatHasTakenTheNameIsRefused) {
  write(path_, 'a');
  const auto mapped = MappedFile::open(path_);
  write(path_, 'b');
  EXPECT_EQ(open_unchanged(*mapped).error().code, Code::Conflict);
  write(path_, 'a', kFileBytes + 1);
  const Error error = open_unchanged(*mapped).error();
  EXPECT_EQ(error.message, path_ + ": was replaced while the model was loading; load it again");
  std::filesystem::remove(path_);
  EXPECT_EQ(open_unchanged(*mapped).error().code, Code::NotFound);
}

TEST_F(Unchanged, AFileThatIsWrittenToIsNotReadAnyMore) {
  write(path_, 'a');
  const auto mapped = MappedFile::open(path_);
  const auto file = open_unchanged(*mapped);
  ASSERT_TRUE(file.ok());
  // As a write a second later would leave it: clocks of file systems are coarse.
  const auto time = std::filesystem::last_write_time(path_);
  std::filesystem::last_write_time(path_, time + std::chrono::seconds(1));
  EXPECT_EQ(error_of_reading(**file).message,
            path_ + ": was changed while in use; load the model again");
  std::filesystem::last_write_time(path_, time);
  expect_reads(**file, 'a');
  ASSERT_EQ(::truncate(path_.c_str(), 50), 0);
  EXPECT_EQ(error_of_reading(**file).message,
            path_ + ": was cut off while in use; load the model again");
}

}  // namespace
}  // namespace verge::model
