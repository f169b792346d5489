#include <csignal>
#include <filesystem>

#include <child_process.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>
#include <unistd.h>

#include <verge/core/atomic_folder.hpp>
#include <verge/core/file.hpp>

namespace verge {
namespace {

namespace fs = std::filesystem;

size_t entries(const std::string& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

Status write_file(const std::string& path) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(file.write("text"));
  return file.commit();
}

TEST(AtomicFolder, AppearsWhenCommitted) {
  const test::TemporaryFolder root;
  for (const char* name : {"/a", "/b/"}) {
    auto folder = AtomicFolder::create(root.path() + name);
    ASSERT_TRUE(folder) << folder.error().message;
    ASSERT_TRUE(write_file(folder->path() + "/file"));
    EXPECT_FALSE(fs::exists(root.path() + name));
    ASSERT_TRUE(folder->commit());
    EXPECT_TRUE(fs::exists(root.path() + name + "/file"));
  }
  EXPECT_EQ(entries(root.path()), 2u);
}

TEST(AtomicFolder, LeavesNothingWithoutACommit) {
  const test::TemporaryFolder root;
  {
    auto folder = AtomicFolder::create(root / "a");
    ASSERT_TRUE(write_file(folder->path() + "/file"));
    const AtomicFolder moved = std::move(*folder);
  }
  EXPECT_EQ(entries(root.path()), 0u);
}

TEST(AtomicFolder, TouchesNothingThatIsThere) {
  const test::TemporaryFolder root;
  fs::create_directory(root / "a");
  EXPECT_EQ(AtomicFolder::create(root / "a").error().code, Code::Conflict);
  fs::create_symlink("nowhere", root / "link");
  EXPECT_EQ(AtomicFolder::create(root / "link").error().code, Code::Conflict);
  EXPECT_EQ(AtomicFolder::create(root / "none/b").error().code, Code::NotFound);

  auto late = AtomicFolder::create(root / "late");
  ASSERT_TRUE(late);
  fs::create_directory(root / "late");
  ASSERT_TRUE(write_file(root / "late/mine"));
  EXPECT_FALSE(late->commit());
  EXPECT_TRUE(fs::exists(root / "late/mine"));
}

TEST(AtomicFolder, WhatAKilledWriterLeftIsRemovedByTheNext) {
  const test::TemporaryFolder root;
  for (int i = 0; i < 3; ++i) {
    const int status = test::in_child([&] {
      auto folder = AtomicFolder::create(root / "a");
      if (!folder || !write_file(folder->path() + "/file")) return 1;
      ::kill(::getpid(), SIGKILL);
      return 2;
    });
    EXPECT_EQ(status, 128 + SIGKILL);
    EXPECT_EQ(entries(root.path()), 1u) << "its own, but not those before";
  }
  auto first = AtomicFolder::create(root / "a");
  auto second = AtomicFolder::create(root / "a");  // does not take the first one's
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(write_file(first->path() + "/file"));
  EXPECT_TRUE(first->commit());
  EXPECT_FALSE(second->commit()) << "the name is taken";
  EXPECT_TRUE(fs::exists(root / "a/file"));
}

}  // namespace
}  // namespace verge
