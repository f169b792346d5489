#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include <child_process.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/core/file_lock.hpp>

namespace verge {
namespace {

TEST(FileLock, IsHeldByOneAtATime) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "file";
  std::atomic<int> inside{0}, entered{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 50; ++turn) {
        const auto lock = FileLock::of_folder_of(path);
        ASSERT_TRUE(lock) << lock.error().message;
        EXPECT_EQ(inside.fetch_add(1), 0);
        ++entered;
        inside.fetch_sub(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(entered, 400);
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(FileLock, AProcessThatDiesGivesItBack) {
  const test::TemporaryFolder folder;
  const int status = test::in_child([&] {
    const auto lock = FileLock::of_folder_of(folder / "file");
    ::kill(::getpid(), SIGKILL);
    return 0;
  });
  EXPECT_EQ(status, 128 + SIGKILL);
  EXPECT_TRUE(FileLock::of_folder_of(folder / "file"));
}

TEST(FileLock, AFolderThatIsNotThereIsNamed) {
  const auto lock = FileLock::of_folder_of("/nonexistent/file");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code, Code::NotFound);
  EXPECT_NE(lock.error().message.find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace verge
