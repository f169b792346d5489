#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <temporary_folder.hpp>
#include <unistd.h>

#include <verge/core/direct_file.hpp>
#include <verge/core/file.hpp>
#include <verge/core/rng.hpp>

namespace verge {
namespace {

std::string bytes_of_length(size_t count) {
  Rng rng(5);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(rng.below(256));
  return bytes;
}

std::string write(const std::string& path, const std::string& bytes) {
  auto file = AtomicFile::create(path);
  EXPECT_TRUE(file.ok() && file->write(bytes).ok() && file->commit().ok());
  return path;
}

void expect_every_range(const std::string& path, const std::string& bytes) {
  const auto file = DirectFile::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ((*file)->size(), static_cast<int64_t>(bytes.size()));
  Rng rng(6);
  for (int i = 0; i < 300; ++i) {
    const auto offset = rng.below(static_cast<uint32_t>(bytes.size()));
    const auto count = 1 + rng.below(static_cast<uint32_t>(bytes.size() - offset));
    const PageBuffer room(RangeReader::room_for(count));
    const auto data = (*file)->read(offset, count, room.span());
    ASSERT_TRUE(data.ok()) << data.error().message;
    ASSERT_EQ(std::string_view(reinterpret_cast<const char*>(*data), count),
              std::string_view(bytes).substr(offset, count))
        << offset << " " << count;
  }
}

TEST(DirectFile, ReadsWhatStandsThere) {
  const test::TemporaryFolder folder;
  for (const size_t length : {1, 511, 4096, 4097, 70001}) {
    const std::string bytes = bytes_of_length(length);
    expect_every_range(write(folder / "file", bytes), bytes);
  }
}

// Pipes of the kernel and memory of others: not every file system takes direct reads.
TEST(DirectFile, ReadsWhereDirectReadsAreRefused) {
  const std::string path = "/dev/shm/verge-direct-" + std::to_string(::getpid());
  std::ofstream probe(path);
  if (!probe) GTEST_SKIP() << "no /dev/shm here";
  const std::string bytes = bytes_of_length(9000);
  probe << bytes << std::flush;
  expect_every_range(path, bytes);
  ::unlink(path.c_str());
}

TEST(DirectFile, LeavesNothingInThePageCache) {
  const test::TemporaryFolder folder;
  const std::string path = write(folder / "file", bytes_of_length(1 << 20));
  const auto file = DirectFile::open(path);
  ASSERT_TRUE(file.ok());
  if (!(*file)->is_direct()) GTEST_SKIP() << "no direct reads here";
  const int number = ::open(path.c_str(), O_RDONLY);
  ::fsync(number);  // what is dirty cannot be dropped
  ::posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED);
  const PageBuffer room(RangeReader::room_for(1 << 20));
  ASSERT_TRUE((*file)->read(0, 1 << 20, room.span()).ok());
  void* mapped = ::mmap(nullptr, 1 << 20, PROT_READ, MAP_SHARED, number, 0);
  std::vector<unsigned char> resident((1 << 20) / 4096);
  ASSERT_EQ(::mincore(mapped, 1 << 20, resident.data()), 0);
  EXPECT_EQ(std::ranges::count_if(resident, [](unsigned char page) { return page & 1; }), 0);
  ::munmap(mapped, 1 << 20);
  ::close(number);
}

TEST(DirectFile, SaysWhereAFileWasCutOff) {
  const test::TemporaryFolder folder;
  const std::string path = write(folder / "file", bytes_of_length(20000));
  const auto file = DirectFile::open(path);
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(::truncate(path.c_str(), 9000), 0);
  const PageBuffer room(RangeReader::room_for(10000));
  EXPECT_TRUE((*file)->read(0, 9000, room.span()).ok());
  for (const uint64_t offset : {uint64_t{0}, uint64_t{8990}, uint64_t{10000}}) {
    const auto data = (*file)->read(offset, 10000, room.span());
    ASSERT_FALSE(data.ok());
    EXPECT_EQ(data.error().code, Code::Io);
    EXPECT_NE(data.error().message.find("cut off"), std::string::npos) << data.error().message;
  }
  EXPECT_EQ(DirectFile::open(folder / "absent").error().code, Code::NotFound);
  EXPECT_EQ(DirectFile::open(folder / "").error().code, Code::Io);
}

}  // namespace
}  // namespace verge
