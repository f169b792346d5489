#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <verge/core/file.hpp>

#include "child_process.hpp"
#include "small_disk.hpp"
#include "temporary_folder.hpp"

namespace verge {
namespace {

namespace fs = std::filesystem;

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(File, MapsAWholeFile) {
  const test::TemporaryFolder folder;
  const std::string content(10000, 'x');
  Result<MappedFile> file = MappedFile::open(folder.add("a", content));
  ASSERT_TRUE(file) << file.error().message;
  MappedFile moved = std::move(*file);
  EXPECT_EQ(text(moved.bytes()), content);
  EXPECT_EQ(moved.path(), folder / "a");
  for (Advice advice :
       {Advice::Normal, Advice::Sequential, Advice::Random, Advice::WillNeed, Advice::DontNeed}) {
    moved.advise(advice, 5000, ~size_t{0});
    moved.advise(advice, 20000, 1);
  }
  EXPECT_EQ(text(moved.bytes()), content);
}

TEST(File, SaysWhyAFileCannotBeRead) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(MappedFile::open(folder / "none").error().message,
            folder / "none" + ": no such file or folder; check the path");
  EXPECT_EQ(MappedFile::open(folder / "none").error().code, Code::NotFound);
  EXPECT_EQ(MappedFile::open(folder.path()).error().message,
            folder.path() + ": is a folder; name a file");
  EXPECT_EQ(MappedFile::open(folder.add("empty", "")).error().message,
            folder / "empty" + ": the file is empty; fetch it again");
  EXPECT_EQ(MappedFile::open("/dev/null").error().message,
            "/dev/null: is a device or a pipe; name a regular file");
  if (::geteuid() == 0) return;  // root may read everything
  fs::permissions(folder.add("secret", "x"), fs::perms::none);
  EXPECT_EQ(MappedFile::open(folder / "secret").error().message,
            folder / "secret" + ": permission denied to read; check its owner and rights");
}

TEST(File, ReadsSmallFilesOnly) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(read_whole_file(folder.add("a", "hello"), 5).value(), "hello");
  EXPECT_EQ(read_whole_file(folder.add("b", ""), 5).value(), "");
  EXPECT_EQ(read_whole_file(folder / "a", 4).error().message,
            folder / "a" + ": has 5 bytes, more than the 4 allowed here");
}

TEST(File, AnAtomicFileReplacesOnlyWhenComplete) {
  const test::TemporaryFolder folder;
  folder.add("a", "old");
  {
    AtomicFile file = std::move(AtomicFile::create(folder / "a").value());
    ASSERT_TRUE(file.write("half"));
  }
  EXPECT_EQ(read_whole_file(folder / "a", 99).value(), "old");
  AtomicFile file = std::move(AtomicFile::create(folder / "a").value());
  ASSERT_TRUE(file.write("....new"));
  ASSERT_TRUE(file.write_at(0, std::as_bytes(std::span("size", 4))));
  EXPECT_EQ(file.size(), 7u);
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(read_whole_file(folder / "a", 99).value(), "sizenew");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(File, WhatAKilledWriterLeftIsRemovedByTheNext) {
  const test::TemporaryFolder folder;
  const std::string path = folder.add("a", "old");
  folder.add("a.partial-backup", "stays");
  folder.add("b.verge-partial-XXXXXX", "stays");
  for (int i = 0; i < 3; ++i) {
    const int status = test::in_child([&] {
      auto file = AtomicFile::create(path);
      if (!file || !file->write("half")) return 1;
      ::kill(::getpid(), SIGKILL);
      return 2;
    });
    EXPECT_EQ(status, 128 + SIGKILL);
    EXPECT_EQ(folder.entries(), 4u) << "its own, but not those before";
  }
  auto first = AtomicFile::create(path);
  auto second = AtomicFile::create(path);  // does not take the first one's
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->write("first") && first->commit());
  EXPECT_TRUE(second->write("second") && second->commit());
  EXPECT_EQ(folder.entries(), 3u);
  EXPECT_EQ(*read_whole_file(path, 100), "second");
}

TEST(File, AnAtomicFileNeverReplacesADevice) {
  test::TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(AtomicFile::create(pipe).error().message,
            pipe + ": is a device or pipe, which cannot be replaced; give a file");
}

TEST(File, AnAtomicFileKeepsRights) {
  const test::TemporaryFolder folder;
  fs::permissions(folder.add("a", "old"), fs::perms(0640));
  AtomicFile file = std::move(AtomicFile::create(folder / "a").value());
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(fs::status(folder / "a").permissions(), fs::perms(0640));
}

TEST(File, ANewAtomicFileHasTheRightsOfTheUmaskOrIsItsOwners) {
  const test::TemporaryFolder folder;
  const auto rights_after = [&](const std::string& path, Rights rights) {
    AtomicFile file = std::move(AtomicFile::create(path, rights).value());
    EXPECT_TRUE(file.commit());
    return fs::status(path).permissions();
  };
  const mode_t before = ::umask(0022);
  EXPECT_EQ(rights_after(folder / "usual", Rights::Usual), fs::perms(0644));
  EXPECT_EQ(rights_after(folder / "own", Rights::OwnerOnly), fs::perms(0600));
  ::umask(before);
  fs::permissions(folder.add("shared", "old"), fs::perms(0640));
  EXPECT_EQ(rights_after(folder / "shared", Rights::OwnerOnly), fs::perms(0640));
}

TEST(File, SaysWhyAFileCannotBeWritten) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(AtomicFile::create(folder.path()).error().message,
            folder.path() + ": is a folder; name a file");
  EXPECT_EQ(AtomicFile::create(folder / "no/a").error().message,
            folder / "no/a" + ": no such file or folder; check the path");
}

TEST(File, AFullDiskLeavesTheOldFile) {
  const test::TemporaryFolder folder;
  folder.add("a", "old");
  Status status;
  {
    const test::SmallDisk disk(4096);
    AtomicFile file = std::move(AtomicFile::create(folder / "a").value());
    status = file.write(std::string(8192, 'x'));
  }
  EXPECT_EQ(status.error().message, folder / "a" + ": disk full; free some space and try again");
  EXPECT_EQ(read_whole_file(folder / "a", 99).value(), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(File, AWholeFileIsWrittenOrTheOldOneStays) {
  const test::TemporaryFolder folder;
  const std::string text("a\0b\n", 4);
  ASSERT_TRUE(write_whole_file(folder / "a", text));
  EXPECT_EQ(read_whole_file(folder / "a", 99).value(), text);
  ASSERT_TRUE(write_whole_file(folder / "a", ""));
  EXPECT_EQ(read_whole_file(folder / "a", 99).value(), "");
  ASSERT_TRUE(write_whole_file(folder / "key", "secret", Rights::OwnerOnly));
  EXPECT_EQ(fs::status(folder / "key").permissions(), fs::perms(0600));
  Status status;
  {
    const test::SmallDisk disk(4096);
    status = write_whole_file(folder / "key", std::string(8192, 'x'));
  }
  EXPECT_EQ(status.error().message, folder / "key" + ": disk full; free some space and try again");
  EXPECT_EQ(read_whole_file(folder / "key", 99).value(), "secret");
  EXPECT_EQ(folder.entries(), 2u);
  EXPECT_EQ(write_whole_file(folder / "no/a", "x").error().code, Code::NotFound);
  if (::geteuid() == 0) return;  // root may write everywhere
  fs::permissions(folder.path(), fs::perms(0500));
  EXPECT_FALSE(write_whole_file(folder / "key", "new"));
  fs::permissions(folder.path(), fs::perms(0700));
  EXPECT_EQ(read_whole_file(folder / "key", 99).value(), "secret");
}

}  // namespace
}  // namespace verge
