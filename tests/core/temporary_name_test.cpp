#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <temporary_folder.hpp>
#include <unistd.h>

#include <verge/core/temporary_name.hpp>

namespace verge {
namespace {

namespace fs = std::filesystem;

TEST(TemporaryName, FoldersOfPaths) {
  EXPECT_EQ(folder_of("a"), ".");
  EXPECT_EQ(folder_of("/a"), "/");
  EXPECT_EQ(folder_of("b/c/a"), "b/c");
}

// Whatever looks nearly like one, is used, or is neither a file nor a folder stays.
TEST(TemporaryName, OnlyWhatNobodyKeepsIsSwept) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a";
  for (const char* name :
       {"a", "a.partial-backup", "a.verge-partial-backups", "a.verge-partial-five5",
        "ab.verge-partial-abcdef", "b.verge-partial-abcdef", "verge-partial-abcdef"}) {
    folder.add(name, "a user's");
  }
  ASSERT_EQ(::mkfifo((path + ".verge-partial-apipe0").c_str(), 0600), 0);
  fs::create_symlink(path, path + ".verge-partial-alink0");
  const size_t users = folder.entries();

  folder.add("a.verge-partial-afile0", "half");
  fs::create_directories(path + ".verge-partial-afoldr/inner");
  std::string kept = temporary_name(path);
  const Descriptor file(::mkostemp(kept.data(), O_CLOEXEC));
  ASSERT_TRUE(keep_from_sweeps(file, kept));
  sweep_abandoned(path);
  EXPECT_EQ(folder.entries(), users + 1);
  EXPECT_TRUE(fs::exists(kept));
}

TEST(TemporaryName, OneThatWasSweptIsNoticed) {
  const test::TemporaryFolder folder;
  std::string temporary = temporary_name(folder / "a");
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  sweep_abandoned(folder / "a");
  EXPECT_FALSE(keep_from_sweeps(file, temporary));
}

}  // namespace
}  // namespace verge
