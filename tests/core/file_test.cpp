#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <verge/core/file.hpp>

namespace verge {
namespace {

namespace fs = std::filesystem;

/// A folder of its own that goes with the test.
class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string pattern = testing::TempDir() + "verge_file_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FileTest() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string make(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  std::string folder_;
};

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_F(FileTest, MapsAWholeFile) {
  const std::string content(10000, 'x');
  Result<MappedFile> file = MappedFile::open(make("a", content));
  ASSERT_TRUE(file) << file.error().message;
  MappedFile moved = std::move(*file);
  EXPECT_EQ(text(moved.bytes()), content);
  EXPECT_EQ(moved.path(), path("a"));
  for (Advice advice :
       {Advice::Normal, Advice::Sequential, Advice::Random, Advice::WillNeed, Advice::DontNeed}) {
    moved.advise(advice, 5000, ~size_t{0});
    moved.advise(advice, 20000, 1);
  }
  EXPECT_EQ(text(moved.bytes()), content);
}

TEST_F(FileTest, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(MappedFile::open(path("none")).error().message,
            path("none") + ": no such file or folder; check the path");
  EXPECT_EQ(MappedFile::open(path("none")).error().code, Code::NotFound);
  EXPECT_EQ(MappedFile::open(folder_).error().message, folder_ + ": is a folder; name a file");
  EXPECT_EQ(MappedFile::open(make("empty", "")).error().message,
            path("empty") + ": the file is empty; fetch it again");
  EXPECT_EQ(MappedFile::open("/dev/null").error().message,
            "/dev/null: is a device or a pipe; name a regular file");
  if (::geteuid() == 0) return;  // root may read everything
  fs::permissions(make("secret", "x"), fs::perms::none);
  EXPECT_EQ(MappedFile::open(path("secret")).error().message,
            path("secret") + ": permission denied to read; check its owner and rights");
}

TEST_F(FileTest, ReadsSmallFilesOnly) {
  EXPECT_EQ(read_whole_file(make("a", "hello"), 5).value(), "hello");
  EXPECT_EQ(read_whole_file(make("b", ""), 5).value(), "");
  EXPECT_EQ(read_whole_file(path("a"), 4).error().message,
            path("a") + ": has 5 bytes, more than the 4 allowed here");
}

TEST_F(FileTest, AnAtomicFileReplacesOnlyWhenComplete) {
  make("a", "old");
  {
    AtomicFile file = std::move(AtomicFile::create(path("a")).value());
    ASSERT_TRUE(file.write("half"));
  }
  EXPECT_EQ(read_whole_file(path("a"), 99).value(), "old");
  AtomicFile file = std::move(AtomicFile::create(path("a")).value());
  ASSERT_TRUE(file.write("....new"));
  ASSERT_TRUE(file.write_at(0, std::as_bytes(std::span("size", 4))));
  EXPECT_EQ(file.size(), 7u);
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(read_whole_file(path("a"), 99).value(), "sizenew");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, AnAtomicFileKeepsRights) {
  fs::permissions(make("a", "old"), fs::perms(0640));
  AtomicFile file = std::move(AtomicFile::create(path("a")).value());
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(fs::status(path("a")).permissions(), fs::perms(0640));
}

TEST_F(FileTest, SaysWhyAFileCannotBeWritten) {
  EXPECT_EQ(AtomicFile::create(folder_).error().message, folder_ + ": is a folder; name a file");
  EXPECT_EQ(AtomicFile::create(path("no/a")).error().message,
            path("no/a") + ": no such file or folder; check the path");
}

TEST_F(FileTest, AFullDiskLeavesTheOldFile) {
  // A limit on file sizes stands in for a small disk: the same path through the code.
  make("a", "old");
  const rlimit full{4096, RLIM_INFINITY};
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &full);
  Status status;
  {
    AtomicFile file = std::move(AtomicFile::create(path("a")).value());
    status = file.write(std::string(8192, 'x'));
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(status.error().message, path("a") + ": disk full; free some space and try again");
  EXPECT_EQ(read_whole_file(path("a"), 99).value(), "old");
  EXPECT_EQ(entries(), 1u);
}

}  // namespace
}  // namespace verge
